# ruff: noqa: E501 -- one attack a line, some with look-alike letters
"""Templates that try to escape the sandbox, leak data or exhaust resources have no effect."""

import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from milepost.templates.compile import compile_template
from milepost.templates.markup import plain_source
from milepost.templates.rendering import ENVIRONMENTS, MAX_OUTPUT, Renderer, RenderingError
from milepost.templates.sandbox import Part, compile_part
from milepost.templates.source import tokenize
from milepost.templates.version import TemplateVersion, Variant, compress_part

BOMB_CONTEXT: dict[str, Any] = {
    "contact": {"first_name": "Anna", "email": "anna@example.com"},
    "event": {"name": "Checkout Started", "long": "Aa " * 6_000, "many": list(range(5_000))},
    "store": {"name": "Northwind", "url": "https://shop.example/", "currency": "USD"},
    "urls": {"unsubscribe": "https://api.example/u/token"},
}

ESCAPES = {
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "subclasses by item": "{{ ''['__class__']['__mro__'] }}",
    "dictionary class": "{{ contact.__class__.__init__.__globals__ }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "attr through map": "{{ ['x']|map(attribute='__class__')|list }}",
    "attr filter through map": "{{ ['x']|map('attr', '__class__')|first }}",
    "format string": "{{ '{0.__class__.__mro__}'.format(1) }}",
    "format filter": "{{ '%s'|format(1) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "indirect format": "{{ ('{0.__class__}').format }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "cycler": "{{ cycler.__init__.__globals__.os }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "namespace": "{{ namespace.__init__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "self template reference": "{{ self._TemplateReference__context }}",
    "request": "{{ request.application.__globals__ }}",
    "config": "{{ config.items() }}",
    "environment": "{{ environment.filters }}",
    "import": "{% import 'os' as os %}{{ os }}",
    "from": "{% from 'os' import popen %}",
    "include": "{% include '/etc/passwd' %}",
    "include outside": "{% include '../../settings.json' %}",
    "extends": "{% extends '/etc/passwd' %}",
    "macro globals": "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "call": "{{ contact.get('email') }}",
    "items": "{% for k in contact.items() %}{{ k }}{% endfor %}",
    "update": "{{ store.update({'postal_address': ''}) }}",
    "pop": "{{ event.pop('total') }}",
    "do": "{% do contact.clear() %}",
    "loop context": "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "loop internals": "{% for x in [1] %}{{ loop._iterable }}{{ loop._undefined }}{% endfor %}",
    "loop method": "{% for x in [1] %}{{ loop.cycle }}{% endfor %}",
    "autoescape off": "{% autoescape false %}{{ '<script>' }}{% endautoescape %}",
    "safe": "{{ '<script>'|safe }}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "overwritten allowance": "{% set _allowance = [10000000000] %}x",
    "printed allowance": "{{ _allowance }}",
    "inner filter": "{{ 'x'|_html_ltr }}",
    "pprint": "{{ contact|pprint }}",
    "xmlattr": "{{ {'a onclick=x': 1}|xmlattr }}",
    "tojson": "{{ contact|tojson }}",
    "groupby": "{{ [{'a': 1}]|groupby('a') }}",
    "debug": "{% debug %}",
    "trans": "{% trans %}x{% endtrans %}",
    "block": "{% block a %}{{ self.a() }}{% endblock %}",
    "scoped names": "{{ __builtins__ }}{{ __import__ }}",
    "unicode name": "{{ ''.__ｃｌａｓｓ__ }}",
}

BOMBS = {
    "repetition": "{{ 'a' * 100000000 }}",
    "list repetition": "{{ [0] * 100000000 }}",
    "repetition by value": "{{ event.name * 100000000 }}",
    "power": "{{ 10 ** 8000000 % 7 }}",
    "power tower": "{{ 9 ** 9 ** 9 }}",
    "squares": "{% set a = 999999999 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
    "center": "{{ 'a'|center(50000000) }}",
    "indent": "{{ 'a'|indent(50000000, true) }}",
    "format width": "{{ '%100000000d' % 1 }}",
    "format precision": "{{ '%.100000000f' % 1.5 }}",
    "range": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "nested loops": "".join("{% for x in '0123456789'*1 %}" for _ in range(9)) + "{% endfor %}" * 9,
    "loops over text": "".join("{% for x in '0123456789' %}" for _ in range(9))
    + "x"
    + "{% endfor %}" * 9,
    "silent loops": "".join("{% for x in event.name %}" for _ in range(12)) + "{% endfor %}" * 12,
    "doubling": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
    "doubling by plus": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "doubling by join": "{% set a = 'aaaaaaaaaa' %}" + "{% set a = [a, a]|join %}" * 60 + "{{ a }}",
    "doubling by list": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "doubling by replace": "{% set a = 'aa' %}"
    + "{% set a = a|replace('a', 'aa') %}" * 60
    + "{{ a }}",
    "doubling by urlencode": "{% set a = '%%%%' %}" + "{% set a = a|urlencode %}" * 90 + "{{ a }}",
    "doubling by a set block": "{% set a %}x{% endset %}"
    + "{% set a %}{{ a }}{{ a }}{% endset %}" * 40,
    "replace": "{{ ('a' * 1)|replace('', 'aaaaaaaaaa' ~ 'aaaaaaaaaa') }}",
    "recursive macro": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "recursive loop": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "round": "{{ 1.5|round(8000000, 'ceil') }}",
    "round precision": "{{ 1.5|round(100000000) }}",
    "batch": "{% for x in 'a'|batch(100000000, 'x') %}{{ x|length }}{% endfor %}",
    "slice": "{% for x in 'a'|slice(100000000) %}x{% endfor %}",
    "wordwrap": "{{ 'a'|wordwrap(0) }}",
    "huge literal": "{{ " + "9" * 100_000 + " }}",
    "huge power of a literal": "{{ 1e308 * 1e308 }}",
    "deep brackets": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "deep negation": "{{ " + "not " * 5_000 + "1 }}",
    "deep attributes": "{{ contact" + ".a" * 5_000 + " }}",
    "deep conditions": "{% if 1 %}" * 200 + "x" + "{% endif %}" * 200,
    "sorting in loops": "{% for a in event.many %}{% for b in event.many|sort %}{% endfor %}{% endfor %}",
    "filters in loops": "{% for a in event.many %}{{ event.long|upper|lower|title|trim|length }}{% endfor %}",
    "output": "{% for a in event.many %}" + "x" * 2_000 + "{% endfor %}",
    "printing in loops": "{% for a in event.many %}{{ event.long }}{% endfor %}",
}

CORPUS = ESCAPES | BOMBS

LEAKS = (
    "__",
    "&lt;class",
    "object at",
    "function",
    "subclasses",
    "root:",
    "popen",
    "anna@",
    "<script",
)


def outcome(run: Callable[[], str], measured: bool) -> str:
    """Run within 2 s, or within 64 MB if measured (which is many times slower, more so with
    coverage)."""
    if measured:
        tracemalloc.start()
    started = time.process_time()
    try:
        result = run()
        peak = tracemalloc.get_traced_memory()[1] if measured else 0
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < (30 if measured else 2)
    assert peak < 64 * 1024 * 1024
    return result


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("place", ["body.html", "subject.txt", "body.txt", "strings.en.json"])
def test_malicious_template_is_refused_or_harmless(name: str, place: str) -> None:
    files = {"subject.txt": "Hi", "body.html": "<p>x</p>"}
    if place == "strings.en.json":
        files |= {"body.html": "<p>{{ t.x }}</p>", place: json.dumps({"x": CORPUS[name]})}
    else:
        files[place] = f"<p>{CORPUS[name]}</p>" if place == "body.html" else CORPUS[name]

    def run() -> str:
        made = compile_template("test/mail", files, {}, "en", ["en"])
        if not isinstance(made, TemplateVersion):
            return "refused"
        try:
            mail = Renderer(made).render(BOMB_CONTEXT, "en")
        except RenderingError:
            return "refused"
        return mail.subject + mail.html[mail.html.index("<body") :] + mail.text

    said = outcome(run, measured=place == "body.html" and name in BOMBS)
    assert len(said) < 3 * MAX_OUTPUT
    assert not [leak for leak in LEAKS if leak in said]


@pytest.mark.parametrize("name", CORPUS)
def test_sandbox_stops_unchecked_template(name: str) -> None:
    def run() -> str:
        try:
            mail = unchecked(CORPUS[name]).render(BOMB_CONTEXT, "en")
        except Exception as error:
            return f"refused: {type(error).__name__}"
        return mail.html

    said = outcome(run, measured=name in BOMBS)
    assert not [leak for leak in LEAKS if leak in said]


def unchecked(source: str) -> Renderer:
    """A renderer of a source that skipped the checks of publish."""
    printed = plain_source(tokenize(source, "x"), "ltr", escaped=True)
    sources: dict[Part, str] = {"subject": "Hi", "html": printed, "text": "x"}
    code = {part: compile_part(ENVIRONMENTS[part], text, "x") for part, text in sources.items()}
    return Renderer(
        TemplateVersion("x", "0" * 16, "en", {"en": compress_part(Variant(sources, code))})
    )
