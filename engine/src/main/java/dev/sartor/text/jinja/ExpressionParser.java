package dev.sartor.text.jinja;

import dev.sartor.text.jinja.Expr.Args;
import dev.sartor.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Parses expressions with jinja2's grammar and precedence. */
final class ExpressionParser {

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", ">", "<=", ">=");
    private static final Set<String> KEYWORDS = Set.of("if", "else", "elif", "for", "in", "not", "and", "or", "is", "endfor", "endif");

    private final Tokens tokens;

    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
    }

    /** An expression, with its conditional form. */
    Expr expression() {
        Expr value = or();
        while (tokens.nextIsName("if")) {
            int line = tokens.next().line();
            Expr condition = or();
            Expr orElse = tokens.skipName("else") ? expression() : null;
            value = new Expr.Conditional(condition, value, orElse, line);
        }
        return value;
    }

    /** An expression, or several separated by commas, which make a tuple. */
    Expr tuple() {
        return tuple(this::expression);
    }

    /** What a for loop runs over: no conditional form, since {@code if} begins the loop's filter. */
    Expr iterable() {
        return tuple(this::or);
    }

    private Expr tuple(Supplier<Expr> item) {
        int line = tokens.line();
        Expr first = item.get();
        if (!tokens.nextIsOperator(",")) {
            return first;
        }
        List<Expr> items = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (endsTuple()) {
                break;
            }
            items.add(item.get());
        }
        return new Expr.ListOf(items, true, line);
    }

    private boolean endsTuple() {
        Token next = tokens.peek();
        return next.kind() == Kind.BLOCK_END || next.kind() == Kind.VARIABLE_END || next.is(Kind.OPERATOR, ")")
                || next.is(Kind.OPERATOR, "=");
    }

    /** What may be assigned to: a name, names in a tuple, or an attribute of a namespace. */
    Expr target(boolean attributes) {
        int line = tokens.line();
        boolean parenthesized = tokens.skipOperator("(");
        List<Expr> items = new ArrayList<>();
        boolean tuple = false;
        while (true) {
            items.add(parenthesized || !tokens.nextIsOperator("(") ? singleTarget(attributes) : target(attributes));
            if (!tokens.skipOperator(",")) {
                break;
            }
            tuple = true;
            if (tokens.nextIsName("in") || tokens.nextIsOperator(")") || tokens.nextIsOperator("=")) {
                break;
            }
        }
        if (parenthesized) {
            tokens.expectOperator(")");
        }
        return tuple ? new Expr.ListOf(items, true, line) : items.getFirst();
    }

    private Expr singleTarget(boolean attributes) {
        Token name = tokens.expect(Kind.NAME, "a name to assign to");
        if (KEYWORDS.contains(name.text())) {
            throw Failure.at(name.line(), "'" + name.text() + "' cannot be assigned to");
        }
        Expr target = new Expr.Name(name.text(), name.line());
        if (attributes && tokens.skipOperator(".")) {
            target = new Expr.Attribute(target, tokens.expect(Kind.NAME, "an attribute's name").text(), name.line());
        }
        return target;
    }

    private Expr or() {
        Expr left = and();
        while (tokens.nextIsName("or")) {
            int line = tokens.next().line();
            left = new Expr.Logical(false, left, and(), line);
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (tokens.nextIsName("and")) {
            int line = tokens.next().line();
            left = new Expr.Logical(true, left, not(), line);
        }
        return left;
    }

    private Expr not() {
        if (tokens.nextIsName("not")) {
            int line = tokens.next().line();
            return new Expr.Not(not(), line);
        }
        return compare();
    }

    private Expr compare() {
        int line = tokens.line();
        Expr first = sum();
        List<String> operators = new ArrayList<>();
        List<Expr> rights = new ArrayList<>();
        while (true) {
            Token next = tokens.peek();
            if (next.kind() == Kind.OPERATOR && COMPARISONS.contains(next.text())) {
                operators.add(tokens.next().text());
            } else if (tokens.skipName("in")) {
                operators.add("in");
            } else if (tokens.nextIsName("not") && tokens.peek(1).is(Kind.NAME, "in")) {
                tokens.next();
                tokens.next();
                operators.add("not in");
            } else {
                break;
            }
            rights.add(sum());
        }
        return operators.isEmpty() ? first : new Expr.Compare(first, operators, rights, line);
    }

    private Expr sum() {
        return leftAssociative(Set.of("+", "-"), () -> leftAssociative(Set.of("~"), () ->
                leftAssociative(Set.of("*", "/", "//", "%"), () -> leftAssociative(Set.of("**"), () -> unary(true)))));
    }

    private Expr leftAssociative(Set<String> operators, Supplier<Expr> operand) {
        Expr left = operand.get();
        while (tokens.peek().kind() == Kind.OPERATOR && operators.contains(tokens.peek().text())) {
            Token operator = tokens.next();
            left = new Expr.Binary(operator.text(), left, operand.get(), operator.line());
        }
        return left;
    }

    private Expr unary(boolean withFilter) {
        Expr value;
        if (tokens.nextIsOperator("-") || tokens.nextIsOperator("+")) {
            Token sign = tokens.next();
            value = new Expr.Sign(unary(false), sign.text().equals("-"), sign.line());
        } else {
            value = primary();
        }
        value = postfix(value);
        return withFilter ? filters(value) : value;
    }

    private Expr primary() {
        Token token = tokens.next();
        int line = token.line();
        switch (token.kind()) {
            case NAME -> {
                return switch (token.text()) {
                    case "true", "True" -> new Expr.Const(true, line);
                    case "false", "False" -> new Expr.Const(false, line);
                    case "none", "None" -> new Expr.Const(null, line);
                    default -> {
                        if (KEYWORDS.contains(token.text())) {
                            throw Failure.at(line, "expected an expression, found " + token.shown());
                        }
                        yield new Expr.Name(token.text(), line);
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.peek().kind() == Kind.STRING) {
                    text.append(tokens.next().text());
                }
                return new Expr.Const(text.toString(), line);
            }
            case INTEGER -> {
                return new Expr.Const(integer(token), line);
            }
            case FLOAT -> {
                return new Expr.Const(Double.parseDouble(token.text().replace("_", "")), line);
            }
            case OPERATOR -> {
                switch (token.text()) {
                    case "(" -> {
                        if (tokens.skipOperator(")")) {
                            return new Expr.ListOf(List.of(), true, line);
                        }
                        Expr inner = tuple();
                        tokens.expectOperator(")");
                        return inner;
                    }
                    case "[" -> {
                        return new Expr.ListOf(items("]"), false, line);
                    }
                    case "{" -> {
                        return dict(line);
                    }
                    default -> { }
                }
            }
            default -> { }
        }
        throw Failure.at(line, "expected an expression, found " + token.shown());
    }

    private static Object integer(Token token) {
        String digits = token.text().replace("_", "");
        try {
            int radix = digits.length() < 2 ? 10 : switch (digits.charAt(1)) {
                case 'x', 'X' -> 16;
                case 'o', 'O' -> 8;
                case 'b', 'B' -> 2;
                default -> 10;
            };
            return Long.parseLong(radix == 10 ? digits : digits.substring(2), radix);
        } catch (NumberFormatException e) {
            throw Failure.at(token.line(), "the integer " + digits + " does not fit 64 bits");
        }
    }

    private List<Expr> items(String close) {
        List<Expr> items = new ArrayList<>();
        while (!tokens.skipOperator(close)) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(close)) {
                    break;
                }
            }
            items.add(expression());
        }
        return items;
    }

    private Expr dict(int line) {
        List<Map.Entry<Expr, Expr>> items = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("}")) {
                    break;
                }
            }
            Expr key = expression();
            tokens.expectOperator(":");
            items.add(Map.entry(key, expression()));
        }
        return new Expr.DictOf(items, line);
    }

    private Expr postfix(Expr value) {
        while (true) {
            int line = tokens.line();
            if (tokens.skipOperator(".")) {
                Token name = tokens.next();
                value = switch (name.kind()) {
                    case NAME -> new Expr.Attribute(value, name.text(), line);
                    case INTEGER -> new Expr.Item(value, new Expr.Const(integer(name), line), line);
                    default -> throw Failure.at(line, "expected a name after '.', found " + name.shown());
                };
            } else if (tokens.skipOperator("[")) {
                value = subscript(value, line);
            } else if (tokens.nextIsOperator("(")) {
                value = new Expr.Call(value, args(), line);
            } else {
                return value;
            }
        }
    }

    private Expr subscript(Expr of, int line) {
        Expr start = tokens.nextIsOperator(":") ? null : tuple();
        if (tokens.skipOperator("]")) {
            return new Expr.Item(of, start, line);
        }
        tokens.expectOperator(":");
        Expr stop = tokens.nextIsOperator(":") || tokens.nextIsOperator("]") ? null : expression();
        Expr step = null;
        if (tokens.skipOperator(":") && !tokens.nextIsOperator("]")) {
            step = expression();
        }
        tokens.expectOperator("]");
        return new Expr.Slice(of, start, stop, step, line);
    }

    /** Filters, tests and further calls behind a value. */
    Expr filters(Expr value) {
        while (true) {
            int line = tokens.line();
            if (tokens.skipOperator("|")) {
                value = filter(value);
            } else if (tokens.skipName("is")) {
                value = test(value, line);
            } else if (tokens.nextIsOperator("(")) {
                value = new Expr.Call(value, args(), line);
            } else {
                return value;
            }
        }
    }

    /** One filter, its bar already read. */
    Expr filter(Expr value) {
        Token name = tokens.expect(Kind.NAME, "a filter's name");
        if (!Filters.exists(name.text())) {
            throw Failure.at(name.line(), "the filter '" + name.text() + "' is not supported; supported are " + Filters.names());
        }
        return new Expr.Filter(value, name.text(), tokens.nextIsOperator("(") ? args() : Args.NONE, name.line());
    }

    private Expr test(Expr value, int line) {
        boolean negated = tokens.skipName("not");
        Token token = tokens.expect(Kind.NAME, "a test's name");
        String name = token.text();
        if (!Tests.exists(name)) {
            throw Failure.at(token.line(), "the test '" + name + "' is not supported; supported are " + Tests.names());
        }
        Args args = Args.NONE;
        if (tokens.nextIsOperator("(")) {
            args = args();
        } else if (beginsTestArgument(tokens.peek())) {
            args = new Args(List.of(postfix(primary())), Map.of(), null, null);
        }
        return new Expr.Test(value, name, args, negated, line);
    }

    private static boolean beginsTestArgument(Token token) {
        return switch (token.kind()) {
            case NAME -> !KEYWORDS.contains(token.text());
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.text().equals("[") || token.text().equals("{");
            default -> false;
        };
    }

    /** Arguments, with their parentheses. */
    Args args() {
        tokens.expectOperator("(");
        List<Expr> positional = new ArrayList<>();
        Map<String, Expr> named = new LinkedHashMap<>();
        Expr spread = null;
        Expr spreadNamed = null;
        boolean first = true;
        while (!tokens.skipOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            if (tokens.skipOperator("*")) {
                spread = expression();
            } else if (tokens.skipOperator("**")) {
                spreadNamed = expression();
            } else if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).is(Kind.OPERATOR, "=")) {
                Token name = tokens.next();
                tokens.next();
                if (named.put(name.text(), expression()) != null) {
                    throw Failure.at(name.line(), "the argument '" + name.text() + "' is given twice");
                }
            } else if (named.isEmpty() && spread == null && spreadNamed == null) {
                positional.add(expression());
            } else {
                throw Failure.at(tokens.line(), "a positional argument after a named one");
            }
        }
        return new Args(positional, named, spread, spreadNamed);
    }
}
