"""Writes cases.json beside itself: what Transformers' own Jinja environment prints for each template below.

Run with a Python that has transformers and jinja2: python generate.py
"""

import json
import pathlib

from transformers.utils.chat_template_utils import _cached_compile_jinja_template, _render_with_assistant_indices

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "  Hi é 🦙 <b>&'\"\n"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, None, True, "ü"]}}}]},
    {"role": "tool", "content": "{\"t\": 3}", "name": "f"},
    {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": "two"}]},
]
V = {
    "messages": CHAT, "bos_token": "<s>", "eos_token": "</s>", "yes": True, "no": False, "nil": None, "n": 7, "x": 2.5,
    "text": "  Ab cd,ef  ", "words": ["b", "A", "c", "a"], "empty": [], "d": {"b": 1, "a": "z", "items": 3, "e": []},
    "rows": [{"k": "p", "v": 3}, {"k": "q", "v": 1}, {"k": "p", "v": None}], "uni": "añ🦙z", "add_generation_prompt": True,
    "nested": [1, [2, [3, []]]], "numbers": [1e-05, 1e16, 0.1, 123456789.0, 1e22, 100.0, -0.0, 3e-4],
}

TEMPLATES = {
    # whitespace
    "trim_blocks": "a\n{% if yes %}\nb\n{% endif %}\nc\n{{ n }}\n{{ n }}\n",
    "lstrip_blocks": "a\n   {% if yes %}\n  b {% if yes %}c{% endif %}\n\t{% endif %}\n  {{ n }}\n",
    "minus": "a  \n {%- if yes -%}  \n b \n {%- endif -%} \n c {{- n -}} \n d",
    "plus": "a\n  {%+ if yes +%}\n b\n  {%+ endif %}\nc",
    "comments": "a\n  {# c\n d #}\nb {#- x -#} c {# y +#}\nd",
    "raw": "{% raw %}{{ not }} {% this %}{% endraw %}\nx {%- raw -%}  {{ y }}  {%- endraw -%} z",
    "trailing newlines": "x\n\n",
    "carriage returns": "a\r\n{% if yes %}\r\nb\r{% endif %}c",
    "line start after minus": "{{ n -}}\n   {% if yes %}\n x{% endif %}",
    "braces": "{{ {'a': {'b': 1}}['a']['b'] }}{{ '}}' }}{{ \"%}\" }}",
    # loops and scopes
    "messages": "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{% if message.content is string %}{{ message.content | trim }}{% else %}{% for part in message.content if part.type == 'text' %}{{ part.text }}{{ ',' if not loop.last }}{% endfor %}{% endif %}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
    "loop variables": "{% for w in words %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y') }}{{ loop.changed(w|lower) }};{% endfor %}",
    "reversed": "{% for m in messages[::-1] %}{{ loop.index0 }}{{ m.role }} {% endfor %}{{ words[::-1] }}{{ uni[::-1] }}",
    "loop else": "{% for w in empty %}x{% else %}none{% endfor %}{% for w in missing %}x{% else %}nothing{% endfor %}",
    "unpacking": "{% for k, v in d.items() %}{{ k }}={{ v }} {% endfor %}{% for (k, v) in d|items %}{{ k }}{% endfor %}{% set a, b = 1, 2 %}{{ a + b }}",
    "break and continue": "{% for w in words %}{% if w == 'A' %}{% continue %}{% endif %}{% if w == 'a' %}{% break %}{% endif %}{{ w }}{% endfor %}",
    "set does not leave a loop": "{% set s = 0 %}{% for w in words %}{% set s = s + 1 %}{{ s }}{% endfor %}{{ s }}{% if yes %}{% set s = 9 %}{% endif %}{{ s }}",
    "namespace": "{% set ns = namespace(found=false, n=0) %}{% for w in words %}{% set ns.n = ns.n + 1 %}{% if w == 'c' %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}{{ ns.missing is defined }}",
    "recursive": "{% for item in nested recursive %}{% if item is sequence %}[{{ loop(item) }}]{% else %}{{ item }}@{{ loop.depth }}{% endif %}{% endfor %}",
    "nested loops": "{% for a in [1, 2] %}{% set outer = loop %}{% for b in 'xy' %}{{ outer.index }}{{ b }}{{ loop.index }} {% endfor %}{% endfor %}",
    "block set": "{% set s %}a{{ n }}\n b{% endset %}[{{ s }}]{% set t | upper | replace('A', '_') %}banana{% endset %}{{ t }}",
    "with": "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "filter block": "{% filter upper | trim %}  ab {{ text }} {% endfilter %}",
    # macros
    "macro": "{% macro m(a, b='B', c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 2, 3) }}{{ m(b=5, a=4) }}{{ m() }}",
    "macro varargs": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k='v') }}",
    "macro sees globals": "{% macro m() %}{{ n }}{{ late }}{% endmacro %}{% set late = 'L' %}{{ m() }}",
    "recursive macro": "{% macro tree(x) %}{% if x is iterable and x is not string %}({% for y in x %}{{ tree(y) }}{% endfor %}){% else %}{{ x }}{% endif %}{% endmacro %}{{ tree(nested) }}",
    "call block": "{% macro box(t) %}<{{ t }}>{{ caller('q') }}</{{ t }}>{% endmacro %}{% call(z) box('b') %}in {{ z }} {{ n }}{% endcall %}",
    # expressions
    "precedence": "{{ 1 + 2 * 3 ** 2 }} {{ -2 ** 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 1 ~ 2 * 3 }} {{ not yes or yes and no }} {{ 1 < 2 < 3 }} {{ 1 if no else 2 if no else 3 }}",
    "conditional without else": "[{{ 'a' if no }}]",
    "python printing": "{{ yes }} {{ nil }} {{ [1, 'a', nil, no, 1.5] }} {{ {'k': \"it's\", 'q': 'say \"x\" it\\'s'} }} {{ (1,) }} {{ () }} {{ d.items() | list }}",
    "floats": "{{ numbers }}{{ 1.0 }} {{ 1e3 }} {{ 10 / 5 }} {{ 2 ** 0.5 }}",
    "float json": "{{ numbers | tojson }}",
    "comparisons": "{{ 1 == 1.0 }}{{ 'a' < 'b' }}{{ [1, 2] == [1, 2] }}{{ 'a' in 'abc' }}{{ 'x' not in words }}{{ 'b' in d }}{{ nil == none }}{{ yes == 1 }}{{ missing == nil }}{{ '1' == 1 }}",
    "slices": "{{ words[1:3] }}{{ words[-2:] }}{{ words[:-1] }}{{ words[::2] }}{{ words[10:] }}{{ uni[1:3] }}{{ uni[2] }}{{ uni[-1] }}{{ words[3:0:-1] }}{{ uni|length }}",
    "undefined": "[{{ missing }}{{ d.nope }}{{ words[9] }}]{{ missing is defined }}{{ d.nope is undefined }}{{ missing|length }}{{ missing or 'or' }}{{ missing | default('dv') }}{{ nil | default('dv') }}{{ '' | default('dv', true) }}",
    "attribute or item": "{{ d.items is callable }}{{ d['items'] }}{{ d.b }}{{ d['a'] }}{{ rows.0.k }}{{ d.get('zz', 4) }}{{ d.get('zz') }}",
    "strings": "{{ 'a' 'b' }}{{ \"q\\\"\\n\\t\\u00e9\\x41\\\\\" }}{{ 'it\\'s' }}{{ 'ab' * 3 }}",
    "list operators": "{{ [1] + [2] }}{{ [0] * 3 }}{{ 2 in [1, 2] }}{{ (1, 2) + (3,) }}",
    "range": "{{ range(3) | list }}{{ range(1, 10, 4) | list }}{{ range(3, 0, -1) | list }}{% for i in range(2) %}{{ i }}{% endfor %}",
    # string methods
    "strip": "[{{ text.strip() }}][{{ text.lstrip() }}][{{ text.rstrip() }}][{{ 'xxaxx'.strip('x') }}][{{ '\\n\\na\\n'.lstrip('\\n') }}]['{{ ' \\u00a0\\u3000a'.strip() }}]",
    "split": "{{ text.split() }}{{ 'a,b,,c'.split(',') }}{{ 'a,b,c'.split(',', 1) }}{{ 'a b  c'.split(None, 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ '<think>x</think>y'.split('</think>')[-1] }}{{ 'a\\nb\\n'.splitlines() }}{{ 'k=v=w'.partition('=') }}{{ 'k=v=w'.rpartition('=') }}",
    "affixes": "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith('bc') }}{{ 'abc'.startswith(('x', 'a')) }}{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}",
    "replace and case": "{{ 'banana'.replace('a', 'o') }}{{ 'banana'.replace('a', 'o', 2) }}{{ 'ab'.replace('', '-') }}{{ 'hello wORLD it\\'s'.title() }}{{ 'hELLO'.capitalize() }}{{ 'Ab'.upper() }}{{ 'Ab'.lower() }}",
    "find and join": "{{ 'banana'.find('an') }}{{ 'banana'.rfind('an') }}{{ 'x'.find('y') }}{{ ', '.join(words) }}{{ 'banana'.count('a') }}{{ uni.find('z') }}{{ '12'.isdigit() }}{{ 'a1'.isalnum() }}",
    # filters
    "tojson": "{{ messages[2].tool_calls | tojson }}{{ d | tojson(indent=2) }}{{ {'b': 1, 'a': '<é\\u0001\\n\"'} | tojson(sort_keys=true) }}{{ 'é🦙' | tojson(ensure_ascii=true) }}{{ [] | tojson(indent=4) }}{{ {'a': 1} | tojson(separators=(',', ':')) }}{{ nil | tojson }}",
    "select": "{{ rows | selectattr('k', 'equalto', 'p') | list }}{{ rows | selectattr('v') | map(attribute='k') | join('+') }}{{ rows | rejectattr('v', 'none') | list | length }}{{ [1, 2, 3] | select('odd') | list }}{{ [1, 2, 3] | reject('gt', 1) | list }}{{ messages | selectattr('role', '==', 'user') | list | length }}{{ messages | selectattr('name', 'defined') | map(attribute='name') | list }}",
    "map": "{{ words | map('upper') | list }}{{ rows | map(attribute='v', default=0) | list }}{{ [' a '] | map('trim') | first }}{{ ['a-b'] | map('replace', '-', '+') | list }}",
    "sorting": "{{ words | sort }}{{ words | sort(reverse=true, case_sensitive=true) }}{{ rows | sort(attribute='k') | map(attribute='k') | list }}{{ {'b': 1, 'a': 2} | dictsort }}{{ words | unique | list }}{{ words | reverse | list }}{{ [3, 1] | min }}{{ [3, 1] | max }}{{ [1, 2] | sum }}",
    "text filters": "{{ 'hello big-world' | title }}{{ 'hELLO' | capitalize }}{{ 'a\\n\\nb' | indent }}{{ 'a\\nb' | indent(2, true) }}{{ '<a href=\"x\">' | e }}{{ 'a b c' | wordcount }}{{ '  x ' | trim | length }}{{ 'xax' | trim('x') }}{{ 'abc' | first }}{{ 'abc' | last }}{{ 'abc' | list }}",
    "numbers": "{{ '12' | int + 1 }}{{ 'x' | int(5) }}{{ '3.7' | int }}{{ '2.5' | float }}{{ -3 | abs }}{{ 2.5 | round }}{{ 2.567 | round(2) }}{{ 2.1 | round(0, 'ceil') }}{{ 3.9 | int }}",
    "join": "{{ [1, 'a', nil] | join('-') }}{{ rows | join(', ', attribute='k') }}{{ 'abc' | join('.') }}",
    # tests
    "tests": "{{ d is mapping }}{{ words is sequence }}{{ 'a' is string }}{{ n is number }}{{ n is integer }}{{ x is float }}{{ yes is boolean }}{{ yes is true }}{{ no is false }}{{ nil is none }}{{ nil is not none }}{{ n is odd }}{{ n is even }}{{ n is divisibleby 7 }}{{ n is divisibleby(2) }}{{ words is iterable }}{{ n is iterable }}{{ 'a' is in words }}{{ n is eq 7 }}{{ 'AB' is upper }}{{ 1 is true }}{{ yes is number }}{{ yes is integer }}",
    # generation
    "generation": "{% for m in messages %}{% if m.role == 'assistant' %}<a>{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}\n{% else %}<o>{{ m.role }}{% endif %}{% endfor %}{%- generation -%} 🦙 x {%- endgeneration -%} y",
    "generation scope": "{% set a = 1 %}{% generation %}{% set a = 2 %}{{ a }}{% endgeneration %}{{ a }}",
    # errors
    "error: raised": "ok\n{% if yes %}\n{{ raise_exception('Only ' ~ n ~ ' roles') }}\n{% endif %}",
    "error: attribute of undefined": "\n\n{{ missing.a }}",
    "error: add undefined": "{{ 'a' + missing }}",
    "error: concatenate": "{{ 'a' + 1 }}",
    "error: call of undefined": "{{ nope(1) }}",
    "error: unclosed if": "{% if yes %}\nx",
    "error: unclosed tag": "a\n{{ n",
    "error: stray end": "{% endif %}",
    "error: unknown filter": "{{ n | nofilter }}",
    "error: unknown test": "{{ n is notest }}",
    "error: iterate none": "{% for x in nil %}{% endfor %}",
    "error: order": "{{ 'a' < 1 }}",
    "error: append": "{{ words.append('x') }}",
    "error: too many macro arguments": "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "error: division": "{{ 1 / 0 }}",
    "error: json of undefined": "{{ missing | tojson }}",
    "error: set on dict": "{% set d.b = 2 %}",
}

cases = []
for name, source in TEMPLATES.items():
    case = {"name": name, "template": source}
    try:
        template = _cached_compile_jinja_template(source)
        case["expected"] = template.render(**V)
        if "generation %}" in source:
            rest = {k: v for k, v in V.items() if k not in ("messages", "add_generation_prompt")}
            rendered, spans = _render_with_assistant_indices(template, V["messages"], None, None, V["add_generation_prompt"], **rest)
            case["spans"] = [[len(rendered[:a].encode("utf-16-le")) // 2, len(rendered[:b].encode("utf-16-le")) // 2] for a, b in spans]
    except Exception as error:
        case["error"] = f"{type(error).__name__}: {error}"
    if ("error" in case) != name.startswith("error"):
        raise SystemExit(f"{name}: {case}")
    cases.append(case)

out = pathlib.Path(__file__).with_name("cases.json")
out.write_text(json.dumps({"variables": V, "cases": cases}, indent=1, ensure_ascii=True) + "\n")
print(len(cases), "cases")
