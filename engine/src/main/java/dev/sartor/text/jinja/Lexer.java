package dev.sartor.text.jinja;

import dev.sartor.text.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens, with the whitespace rules that Transformers sets: {@code trim_blocks} (a newline right
 * after a block or comment goes), {@code lstrip_blocks} (blanks before a block or comment that begins its line go), and
 * {@code -} and {@code +} at either end of a tag. One newline at the very end of the template goes too.
 *
 * <p>The rules follow jinja2 3.1's lexer.
 */
final class Lexer {

    private static final Pattern RAW_BEGIN = Pattern.compile("\\{%([-+]?)\\s*raw\\s*(?:-%}\\s*|%})", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern RAW_END =
            Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%}|-%}\\s*|%}\\n?)", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern COMMENT_END = Pattern.compile("\\+#}|-#}\\s*|#}\\n?", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern BLOCK_END = Pattern.compile("\\+%}|-%}\\s*|%}\\n?", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern VARIABLE_END = Pattern.compile("-}}\\s*|}}", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern FLOAT = Pattern.compile("(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)(?:[eE][+-]?\\d+)?|[eE][+-]?\\d+)");
    private static final Pattern INTEGER = Pattern.compile("0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\\d[\\d_]*");
    private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final Pattern STRING = Pattern.compile("'([^'\\\\]*+(?:\\\\.[^'\\\\]*+)*+)'|\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"", Pattern.DOTALL);
    private static final Pattern OPERATOR = Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;]");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarting = true;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        Lexer lexer = new Lexer(source);
        lexer.root();
        return lexer.tokens;
    }

    private void root() {
        while (at < source.length()) {
            int tag = nextTag(at);
            if (tag < 0) {
                data(source.substring(at));
                at = source.length();
                break;
            }
            char kind = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            Matcher raw = kind == '%' ? matcher(RAW_BEGIN, tag) : null;
            boolean isRaw = raw != null && raw.lookingAt();
            String text = beforeTag(source.substring(at, tag), sign, kind != '{');
            data(text);
            advance(tag);
            if (isRaw) {
                advanceTag(raw.end());
                raw();
            } else if (kind == '#') {
                comment(tag + 2);
            } else {
                advance(tag + (sign == '-' || sign == '+' && kind == '%' ? 3 : 2));
                tokens.add(new Token(kind == '{' ? Kind.VARIABLE_BEGIN : Kind.BLOCK_BEGIN, "{" + kind, line));
                inside(kind == '{' ? VARIABLE_END : BLOCK_END, kind == '{' ? Kind.VARIABLE_END : Kind.BLOCK_END);
            }
        }
        tokens.add(new Token(Kind.END, "", line));
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private String beforeTag(String text, char sign, boolean lstrip) {
        if (sign == '-') {
            return Text.rstrip(text, null);
        }
        if (sign != '+' && lstrip) {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && Text.strip(text.substring(lineStart), null).isEmpty()) {
                return text.substring(0, lineStart);
            }
        }
        return text;
    }

    private void data(String text) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.DATA, text, line));
        }
    }

    private void raw() {
        Matcher end = matcher(RAW_END, at);
        if (!end.find()) {
            throw Failure.at(line, "{% raw %} is not closed by {% endraw %}");
        }
        char sign = end.group(1).isEmpty() ? ' ' : end.group(1).charAt(0);
        data(beforeTag(source.substring(at, end.start()), sign, true));
        advanceTag(end.end());
    }

    private void comment(int from) {
        Matcher end = matcher(COMMENT_END, from);
        if (!end.find()) {
            throw Failure.at(line, "the comment {# is not closed by #}");
        }
        advanceTag(end.end());
    }

    private void inside(Pattern endPattern, Kind endKind) {
        int opened = line;
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            if (at >= source.length()) {
                throw Failure.at(opened, "the tag opened here is not closed");
            }
            Matcher end = matcher(endPattern, at);
            if (open.isEmpty() && end.lookingAt()) {
                tokens.add(new Token(endKind, endKind == Kind.BLOCK_END ? "%}" : "}}", line));
                advanceTag(end.end());
                return;
            }
            if (!skip(SPACE) && !token(FLOAT, Kind.FLOAT) && !token(INTEGER, Kind.INTEGER) && !token(NAME, Kind.NAME)
                    && !string() && !operator(open)) {
                throw Failure.at(line, "unexpected character '" + source.charAt(at) + "'");
            }
        }
    }

    private boolean skip(Pattern pattern) {
        Matcher m = matcher(pattern, at);
        if (m.lookingAt()) {
            advance(m.end());
            return true;
        }
        return false;
    }

    private boolean token(Pattern pattern, Kind kind) {
        Matcher m = matcher(pattern, at);
        if (m.lookingAt()) {
            tokens.add(new Token(kind, m.group(), line));
            advance(m.end());
            return true;
        }
        return false;
    }

    private boolean string() {
        Matcher m = matcher(STRING, at);
        if (m.lookingAt()) {
            tokens.add(new Token(Kind.STRING, unescape(m.group(1) != null ? m.group(1) : m.group(2)), line));
            advance(m.end());
            return true;
        }
        return false;
    }

    private boolean operator(Deque<Character> open) {
        Matcher m = matcher(OPERATOR, at);
        if (!m.lookingAt()) {
            return false;
        }
        String text = m.group();
        switch (text.charAt(0)) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty() || open.pop() != text.charAt(0)) {
                    throw Failure.at(line, "unexpected '" + text + "'");
                }
            }
            default -> { }
        }
        tokens.add(new Token(Kind.OPERATOR, text, line));
        advance(m.end());
        return true;
    }

    private String unescape(String body) {
        StringBuilder out = new StringBuilder(body.length());
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char e = body.charAt(++i);
            switch (e) {
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'a' -> out.append((char) 7);
                case 'v' -> out.append((char) 11);
                case '\\', '\'', '"' -> out.append(e);
                case '\n' -> { }
                case 'x', 'u', 'U' -> {
                    int digits = e == 'x' ? 2 : e == 'u' ? 4 : 8;
                    if (i + digits >= body.length() || !body.substring(i + 1, i + 1 + digits).matches("[0-9a-fA-F]+")) {
                        throw Failure.at(line, "\\" + e + " in a string must be followed by " + digits + " hexadecimal digits");
                    }
                    appendCodePoint(out, Integer.parseUnsignedInt(body.substring(i + 1, i + 1 + digits), 16));
                    i += digits;
                }
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int end = i + 1;
                    while (end < body.length() && end < i + 3 && body.charAt(end) >= '0' && body.charAt(end) <= '7') {
                        end++;
                    }
                    out.append((char) Integer.parseInt(body.substring(i, end), 8));
                    i = end - 1;
                }
                default -> out.append('\\').append(e);
            }
        }
        return out.toString();
    }

    private void appendCodePoint(StringBuilder out, int codePoint) {
        if (!Character.isValidCodePoint(codePoint)) {
            throw Failure.at(line, "an escape in a string is not a Unicode character");
        }
        out.appendCodePoint(codePoint);
    }

    private Matcher matcher(Pattern pattern, int from) {
        return pattern.matcher(source).region(from, source.length()).useTransparentBounds(true).useAnchoringBounds(false);
    }

    private void advanceTag(int to) {
        lineStarting = source.charAt(to - 1) == '\n';
        advance(to);
    }

    private void advance(int to) {
        for (int i = at; i < to; i++) {
            if (source.charAt(i) == '\n') {
                line++;
            }
        }
        at = to;
    }
}
