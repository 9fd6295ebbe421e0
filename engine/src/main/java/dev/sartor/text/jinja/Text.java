package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's string behaviour where it differs from Java's: characters are code points, and blanks are Unicode's. */
final class Text {

    private Text() {
    }

    /** What Python's {@code str.isspace} holds for a blank. */
    static boolean isSpace(int c) {
        return switch (c) {
            case 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
            default -> c >= 0x2000 && c <= 0x200a;
        };
    }

    private static boolean strips(int c, String chars) {
        return chars == null ? isSpace(c) : chars.indexOf(c) >= 0;
    }

    /** @param chars which characters go; null for blanks */
    static String lstrip(String text, String chars) {
        int start = 0;
        while (start < text.length() && strips(text.codePointAt(start), chars)) {
            start += Character.charCount(text.codePointAt(start));
        }
        return text.substring(start);
    }

    /** @param chars which characters go; null for blanks */
    static String rstrip(String text, String chars) {
        int end = text.length();
        while (end > 0 && strips(text.codePointBefore(end), chars)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(0, end);
    }

    /** @param chars which characters go; null for blanks */
    static String strip(String text, String chars) {
        return lstrip(rstrip(text, chars), chars);
    }

    static List<Object> characters(String text) {
        List<Object> characters = new ArrayList<>(text.length());
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        return characters;
    }

    /** Order by code point, which differs from Java's by UTF-16 unit. */
    static int compare(String a, String b) {
        int[] x = a.codePoints().toArray();
        int[] y = b.codePoints().toArray();
        return java.util.Arrays.compare(x, y);
    }

    /** Splits at a separator, at most {@code max} times (negative: always), as {@code str.split} does. */
    static List<Object> split(String text, String separator, long max) {
        List<Object> parts = new ArrayList<>();
        if (separator == null) {
            String rest = lstrip(text, null);
            while (!rest.isEmpty()) {
                if (max >= 0 && parts.size() == max) {
                    parts.add(rstrip(rest, null));
                    break;
                }
                int end = 0;
                while (end < rest.length() && !isSpace(rest.charAt(end))) {
                    end++;
                }
                parts.add(rest.substring(0, end));
                rest = lstrip(rest.substring(end), null);
            }
            return parts;
        }
        requireSeparator(separator);
        int from = 0;
        int at = text.indexOf(separator);
        while (at >= 0 && (max < 0 || parts.size() < max)) {
            parts.add(text.substring(from, at));
            from = at + separator.length();
            at = text.indexOf(separator, from);
        }
        parts.add(text.substring(from));
        return parts;
    }

    /** As {@link #split}, from the right. */
    static List<Object> rsplit(String text, String separator, long max) {
        if (separator == null) {
            if (max < 0) {
                return split(text, null, -1);
            }
            List<Object> parts = new ArrayList<>();
            String rest = rstrip(text, null);
            while (!rest.isEmpty()) {
                if (parts.size() == max) {
                    parts.addFirst(lstrip(rest, null));
                    break;
                }
                int start = rest.length();
                while (start > 0 && !isSpace(rest.charAt(start - 1))) {
                    start--;
                }
                parts.addFirst(rest.substring(start));
                rest = rstrip(rest.substring(0, start), null);
            }
            return parts;
        }
        requireSeparator(separator);
        List<Object> parts = new ArrayList<>();
        int end = text.length();
        while (max < 0 || parts.size() < max) {
            int at = end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
            if (at < 0) {
                break;
            }
            parts.addFirst(text.substring(at + separator.length(), end));
            end = at;
        }
        parts.addFirst(text.substring(0, end));
        return parts;
    }

    private static void requireSeparator(String separator) {
        if (separator.isEmpty()) {
            throw Failure.of("split by an empty separator");
        }
    }

    /** Replaces at most {@code max} occurrences (negative: all), as {@code str.replace} does. */
    static String replace(String text, String old, String with, long max) {
        if (max < 0) {
            return text.replace(old, with);
        }
        StringBuilder out = new StringBuilder();
        int from = 0;
        for (long n = 0; n < max; n++) {
            int at = text.indexOf(old, from);
            if (at < 0 || from > text.length()) {
                break;
            }
            out.append(text, from, at).append(with);
            if (old.isEmpty()) {
                if (at >= text.length()) {
                    from = at;
                    break;
                }
                out.append(text.charAt(at));
                from = at + 1;
            } else {
                from = at + old.length();
            }
        }
        return out.append(text.substring(from)).toString();
    }

    /** First letter of each word large, the others small, as {@code str.title} does. */
    static String title(String text) {
        StringBuilder out = new StringBuilder();
        boolean inside = false;
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(inside ? one.toLowerCase(java.util.Locale.ROOT) : Character.toString(Character.toTitleCase(c)));
            inside = Character.isLetter(c);
        }
        return out.toString();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.codePointAt(0);
        return Character.toString(Character.toTitleCase(first)) + text.substring(Character.charCount(first)).toLowerCase(java.util.Locale.ROOT);
    }

    /** Python's {@code repr} of a string. */
    static void quote(String text, StringBuilder out) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\t' -> out.append("\\t");
                case '\r' -> out.append("\\r");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (c < 0x20 || c == 0x7f || c >= 0x80 && c <= 0xa0 || c == 0xad) {
                        out.append(String.format("\\x%02x", c));
                    } else if (isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(String.format(c > 0xffff ? "\\U%08x" : "\\u%04x", c));
                    }
                }
            }
        });
        out.append(quote);
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            default -> true;
        };
    }
}
