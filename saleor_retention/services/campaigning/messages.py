"""The words of a campaign: templates held against what they may say, and rendered for one customer.

Templates are Django's own, in an engine of their own that is the sandbox: it loads no files, knows
no other tags than ``if`` and ``comment``, no other filters than a few that cannot grow text, and is
given nothing but text. There is no loop, so that a template costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from django.template import Context, Engine, Library, Template, TemplateSyntaxError
from django.template import defaultfilters as filters
from django.template.base import Node, Origin, VariableNode
from django.template.defaulttags import IfNode, comment, do_if

from saleor_retention.engine.campaigns.terms import Channel, Message

NAMES = (
    "first_name",
    "last_name",
    "email",
    "program",
    "points",
    "expiring_points",
    "expiring_coupon",
    "expiring_on",
    "tier",
    "benefit_points",
    "coupon",
    "offer",
    "occasion_on",
    "order_number",
    "product",
    "variant_id",
    "run_out_from",
    "run_out_until",
    "run_out_is_firm",
    "feedback",
    "announced",
    "announced_id",
    "unsubscribe_url",
)
"""What templates may name; what a campaign has nothing for is empty."""

RENDERED_LENGTH_MAX = 200_000

_TAG = re.compile(r"\{\{|\{%")
_UNTAGGED = re.compile(r"(\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\})")

register = Library()
for _name in ("default", "default_if_none", "first", "lower", "title", "upper", "yesno"):
    register.filter(_name, getattr(filters, _name))
register.filter("truncatechars", filters.truncatechars)
register.tag("if", do_if)
register.tag("comment", comment)


class _Sandbox(Engine):
    """Django's engine without its own tags and filters, which load files and show settings."""

    default_builtins: ClassVar[list[str]] = []

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, loaders=[])
        self.template_builtins = [register]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template: which one, on which line, and what."""

    field: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it goes out. ``html`` is "" where there is none."""

    subject: str
    text: str
    html: str
    language: str


def problems_of(message: Message) -> list[Problem]:
    """Return everything wrong with a message's templates, each with its line."""
    found = []
    for language, texts in message.texts:
        where = f"message.texts.{language}"
        for part in ("subject", "text", "html"):
            source = getattr(texts, part)
            problem = _problem_of(source, f"{where}.{part}", is_html=part == "html")
            found += [problem] if problem is not None else []
    return found


def render(message: Message, values: Mapping[str, str], language: str) -> Rendered:
    """Return the message in a customer's language, or the first one where it has none in that.

    Subjects are one line. Raises ``ValueError`` where a text grows beyond all sense.
    """
    used, texts = message.texts_for(language)
    is_mail = message.channel is Channel.EMAIL
    rendered = Rendered(
        subject=" ".join(_rendered(texts.subject, values).split()) if is_mail else "",
        text=_rendered(texts.text, values),
        html=_rendered(texts.html, values, is_html=True) if texts.html else "",
        language=used,
    )
    if max(len(rendered.text), len(rendered.html)) > RENDERED_LENGTH_MAX:
        raise ValueError("The rendered message is too long.")
    return rendered


def _rendered(source: str, values: Mapping[str, str], *, is_html: bool = False) -> str:
    known = {name: str(values.get(name, "")) for name in NAMES}
    return str(_compiled(source, is_html=is_html).render(Context(known, autoescape=is_html)))


@lru_cache(maxsize=256)
def _compiled(source: str, *, is_html: bool) -> Template:
    return Template(source, origin=Origin("campaign"), engine=_Sandbox(autoescape=is_html))


def _problem_of(source: str, field: str, *, is_html: bool) -> Problem | None:
    if not source:
        return None
    for number, line in enumerate(source.splitlines(), 1):
        if _TAG.search(_UNTAGGED.sub("", line)):
            return Problem(field, number, "a brace is opened and not closed on this line")
    try:
        template = _compiled(source, is_html=is_html)
    except TemplateSyntaxError as error:
        token = getattr(error, "token", None)
        return Problem(field, getattr(token, "lineno", 1), str(error))
    for line_number, name in _names_in(template.nodelist):
        if name not in NAMES:
            message = f"{name} is nothing that a template can name: {', '.join(NAMES)}"
            return Problem(field, line_number, message)
    return None


def _names_in(nodes: Any) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every variable that the nodes name, also in conditions."""
    for node in nodes.get_nodes_by_type(Node):
        line = node.token.lineno if getattr(node, "token", None) is not None else 1
        if isinstance(node, VariableNode):
            yield from ((line, name) for name in _names_of(node.filter_expression))
        elif isinstance(node, IfNode):
            for condition, _nodes in node.conditions_nodelists:
                yield from ((line, name) for name in _names_of_condition(condition))


def _names_of(expression: Any) -> Iterator[str]:
    """Yield what a filter expression names: its variable and those among its arguments."""
    variables = [expression.var]
    for _filter, arguments in expression.filters:
        variables += [value for is_variable, value in arguments if is_variable]
    for variable in variables:
        lookups = getattr(variable, "lookups", None)
        if lookups:
            yield ".".join(lookups)


def _names_of_condition(condition: Any) -> Iterator[str]:
    if condition is None:
        return
    if getattr(condition, "value", None) is not None:
        yield from _names_of(condition.value)
    for side in ("first", "second"):
        yield from _names_of_condition(getattr(condition, side, None))
