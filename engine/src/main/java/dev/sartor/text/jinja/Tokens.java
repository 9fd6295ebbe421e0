package dev.sartor.text.jinja;

import dev.sartor.text.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, read from the front. */
final class Tokens {

    private final List<Token> tokens;
    private int at;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    int line() {
        return peek().line();
    }

    boolean nextIs(Kind kind, String text) {
        return peek().is(kind, text);
    }

    boolean nextIsOperator(String text) {
        return nextIs(Kind.OPERATOR, text);
    }

    boolean nextIsName(String text) {
        return nextIs(Kind.NAME, text);
    }

    boolean skipOperator(String text) {
        return skip(Kind.OPERATOR, text);
    }

    boolean skipName(String text) {
        return skip(Kind.NAME, text);
    }

    private boolean skip(Kind kind, String text) {
        if (nextIs(kind, text)) {
            at++;
            return true;
        }
        return false;
    }

    Token expect(Kind kind, String what) {
        Token token = next();
        if (token.kind() != kind) {
            throw Failure.at(token.line(), "expected " + what + ", found " + token.shown());
        }
        return token;
    }

    void expectOperator(String text) {
        Token token = next();
        if (!token.is(Kind.OPERATOR, text)) {
            throw Failure.at(token.line(), "expected '" + text + "', found " + token.shown());
        }
    }

    void expectName(String text) {
        Token token = next();
        if (!token.is(Kind.NAME, text)) {
            throw Failure.at(token.line(), "expected '" + text + "', found " + token.shown());
        }
    }
}
