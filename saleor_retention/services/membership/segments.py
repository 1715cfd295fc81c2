"""Set segments up, and keep who is in them.

Members follow the rules every night, on demand, and for one customer after his order. Who comes
and who goes is written down with the membership. A segment that gives a tag is asked first, so that
the rules of others can name the tag.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from saleor_retention import sql
from saleor_retention.engine.segments.bands import Limits
from saleor_retention.engine.segments.dumping import dump_rule
from saleor_retention.engine.segments.parsing import Surroundings, parse_rule
from saleor_retention.engine.segments.rules import Rule, Setting, goods_in
from saleor_retention.engine.segments.stages import TAG_PREFIX
from saleor_retention.engine.segments.statement import to_sql
from saleor_retention.errors import Code, Refusal, Refusals
from saleor_retention.models import (
    Account,
    AccountState,
    AuditAction,
    BandLimits,
    CustomerTag,
    Program,
    Segment,
    SegmentEvent,
    SegmentEventKind,
    SegmentMember,
)
from saleor_retention.selectors.programs import rules_of
from saleor_retention.selectors.segments import (
    Money,
    limits_of,
    money_of,
    rule_of,
    setting_of,
)
from saleor_retention.services.ledger.locking import lock_name, run_serialized
from saleor_retention.services.membership import follow_ups, segment_trail
from saleor_retention.services.membership.customers import NIGHT, Refreshed, mend
from saleor_retention.services.setting_up.auditing import note_down
from saleor_retention.services.setting_up.differences import differences
from saleor_retention.services.setting_up.goods_lists import existing_in
from saleor_retention.services.setting_up.validating import SLUG, SLUG_LENGTH_MAX

logger = logging.getLogger(__name__)

SEGMENTS_MAX = 100
NAME_LENGTH_MAX = 128
TAG_LENGTH_MAX = 64
FOLLOW_UP_LENGTH_MAX = 500
FOLLOW_UP_DAYS = 3
FOLLOW_UP_DAYS_MAX = 365
LIST_MAX = 10_000
MEMBERS_AT_ONCE = 1000

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """How many came into segments and went out of them, by segment id; those without are absent."""

    entered: Mapping[int, int]
    left: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Night:
    """What a night's work changed."""

    refreshed: Refreshed
    moved: Moved


# --- who is in them -------------------------------------------------------------------------------


def nightly(program: Program, now: dt.datetime | None = None) -> Night:
    """Mend and score the program's rollups, and refresh its segments.

    What a refresh has written about an account that was being erased goes again.
    """
    done = run_serialized(lambda: mend(program))
    moved = refresh(program, now=now)
    erased = Account.objects.filter(program=program, state=AccountState.ERASED)
    for model in (SegmentEvent, SegmentMember, CustomerTag):
        model.objects.filter(account__in=erased.values("pk")).delete()
    follow_ups.forget(erased.values("pk"), now or timezone.now())
    return Night(done, moved)


def refresh(
    program: Program,
    account_ids: Collection[int] | None = None,
    *,
    now: dt.datetime | None = None,
    just_set: Collection[int] = (),
) -> Moved:
    """Bring members and tags to what the rules say now: of all accounts, or of some.

    Locks the program's segments, so that two refreshes do not undo each other. Three statements,
    however many segments and customers there are. A rule that cannot be read leaves its segment as
    it is, and the log says so. Where a segment asks for it, who comes in is a task of staff, unless
    it was set up or changed just now (``just_set``).
    """
    at = now or timezone.now()
    ids = None if account_ids is None else sorted(account_ids)
    with transaction.atomic():
        lock_name(f"segments:{program.pk}")
        setting = replace(setting_of(program, at), account_ids=None if ids is None else tuple(ids))
        money = money_of(rules_of(program.current_version_id))
        readable = _readable(_running(program), money)
        moved = _bring([pair for pair in readable if pair[0].tag], program, setting, ids, at)
        _bring_tags(program, ids)
        others = _bring([pair for pair in readable if not pair[0].tag], program, setting, ids, at)
        if ids is None:
            seen = [segment.pk for segment, _ in readable]
            Segment.objects.filter(pk__in=seen).update(refreshed_at=at)
        moved = Moved({**moved.entered, **others.entered}, {**moved.left, **others.left})
        told = {
            segment_id: came + moved.left.get(segment_id, 0)
            for segment_id, came in moved.entered.items()
            if segment_id not in just_set
        }
        if told:
            follow_ups.ask_for_those_who_came(program, told, at)
    return moved


def set_bands(
    program: Program, limits: Limits, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Moved:
    """Set how many months the program's recency bands reach back; its segments follow.

    The audit trail tells of it as of any setting of the program. Idempotent: bands that are so
    already move nobody. Refuses INVALID where the limits do not rise, and a retired program.
    """
    if program.retired_at is not None:
        raise Refusal(Code.INVALID, f'Program "{program.slug}" is retired.', "program")
    problem = limits.problem()
    if problem is not None:
        raise Refusal(Code.INVALID, problem, "bands")
    at = now or timezone.now()
    with transaction.atomic():
        lock_name(f"segments:{program.pk}")
        before = limits_of(program)
        if limits == before:
            return Moved({}, {})
        BandLimits.objects.update_or_create(program=program, defaults=asdict(limits))
        lines = differences({"recency_bands": asdict(before)}, {"recency_bands": asdict(limits)})
        action = AuditAction.PROGRAM_UPDATE
        note_down(action, actor_ref=actor_ref, at=at, program=program, changes=lines)
        changed = Segment.objects.filter(program=program).values_list("pk", flat=True)
        return refresh(program, now=at, just_set=list(changed))


def size_of(program: Program, rule: Rule, now: dt.datetime | None = None) -> int:
    """Return how many members of the program meet a rule now, as far as they are summed up."""
    condition = to_sql(rule, setting_of(program, now or timezone.now()))
    with transaction.atomic(), connection.cursor() as cursor:
        _make_room([rule], cursor)
        cursor.execute(
            "SELECT count(*) FROM saleor_retention_account AS account"  # noqa: S608 - from the engine
            " LEFT JOIN saleor_retention_customerrollup AS rollup ON rollup.account_id = account.id"
            " WHERE account.program_id = %s AND account.state = 'member' AND "
            f"{sql.load('customers/profiled')} AND {condition.text}",
            [program.pk, *condition.parameters],
        )
        return int(cursor.fetchone()[0])


def _running(program: Program) -> list[Segment]:
    rows = Segment.objects.filter(program=program, is_active=True, document__isnull=False)
    return list(rows.order_by("pk"))


def _readable(segments: Sequence[Segment], money: Money) -> list[tuple[Segment, Rule]]:
    readable = []
    for segment in segments:
        try:
            readable.append((segment, rule_of(segment, money)))
        except ValueError:
            logger.exception("The segment %s stays as it is.", segment.slug)
    return readable


def _bring(
    pairs: Sequence[tuple[Segment, Rule]],
    program: Program,
    setting: Setting,
    ids: list[int] | None,
    at: dt.datetime,
) -> Moved:
    if not pairs:
        return Moved({}, {})
    asked, parameters = [], []
    for segment, rule in pairs:
        condition = to_sql(rule, setting)
        asked.append(f"CASE WHEN {condition.text} THEN %s::bigint END")
        parameters += [*condition.parameters, segment.pk]
    statement = sql.load("customers/members").replace("{asked}", ", ".join(asked))
    statement = statement.replace("{profiled}", sql.load("customers/profiled"))
    segment_ids = [segment.pk for segment, _ in pairs]
    parameters += [program.pk, ids, ids, segment_ids, ids, ids, at, at, at]
    with connection.cursor() as cursor:
        _make_room([rule for _, rule in pairs], cursor)
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    return Moved(
        {segment_id: entered for segment_id, entered, _ in rows if entered},
        {segment_id: left for segment_id, _, left in rows if left},
    )


def _make_room(rules: Iterable[Rule], cursor: Any) -> None:
    """Have the buyers of goods found once and kept in memory, where a rule asks for some."""
    if any(goods_in(rule) for rule in rules):
        cursor.execute("SET LOCAL work_mem = %s", [NIGHT["work_mem"]])


def _bring_tags(program: Program, ids: list[int] | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.load("customers/tags"), {"program_id": program.pk, "account_ids": ids})


# --- setting them up ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """What a segment shall be. ``document`` None: an explicit list."""

    slug: str
    name: str
    document: Document | None = None
    tag: str = ""
    is_active: bool = True
    follow_up: str = ""
    follow_up_days: int = FOLLOW_UP_DAYS


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft that is right: how many would be in it; None of a list, which staff fill."""

    draft: Draft
    size: int | None


def preview_segment(
    program: Program,
    draft: Draft,
    *,
    segment: Segment | None = None,
    now: dt.datetime | None = None,
) -> Preview:
    """Return what a draft would make, of a new segment or of one that there is.

    Raises ``Refusals`` with everything that is wrong: slug and name (REQUIRED, INVALID, UNIQUE),
    tag, followUp and rule (INVALID), too many segments (LIMIT_REACHED), a retired one (INVALID).
    """
    refusals = [*_naming_refusals(program, draft, segment), *_tag_refusals(draft)]
    refusals += _follow_up_refusals(draft)
    rule = None
    if segment is not None and segment.retired_at is not None:
        refusals.append(Refusal(Code.INVALID, "This segment is retired.", "id"))
    if segment is not None and (segment.document is None) != (draft.document is None):
        message = "A segment stays what it is: one of a rule, or an explicit list."
        refusals.append(Refusal(Code.INVALID, message, "rule"))
    elif draft.document is not None:
        rule, draft, wrong = _checked_rule(program, draft)
        refusals += wrong
    if refusals:
        raise Refusals(refusals)
    return Preview(draft, None if rule is None else size_of(program, rule, now))


def create_segment(
    program: Program, draft: Draft, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Segment:
    """Create a segment and find its members. Raises as ``preview_segment`` does."""
    at = now or timezone.now()
    wanted = preview_segment(program, draft, now=at).draft
    try:
        with transaction.atomic():
            segment = Segment.objects.create(
                program=program,
                slug=wanted.slug,
                name=wanted.name.strip(),
                document=wanted.document,
                tag=wanted.tag,
                follow_up=wanted.follow_up.strip(),
                follow_up_days=wanted.follow_up_days,
                is_active=wanted.is_active,
                created_at=at,
            )
            segment_trail.note_saved(segment, {}, actor_ref=actor_ref, at=at)
    except IntegrityError:
        raise Refusals([_taken(draft.slug)]) from None
    _follow(program, segment, at)
    return segment


def update_segment(
    segment: Segment, draft: Draft, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Segment:
    """Change a segment and its members with it. Raises as ``preview_segment`` does."""
    at = now or timezone.now()
    wanted = preview_segment(segment.program, draft, segment=segment, now=at).draft
    before = segment_trail.settings_of(segment)
    segment.name = wanted.name.strip()
    segment.document = wanted.document
    segment.tag = wanted.tag
    segment.follow_up = wanted.follow_up.strip()
    segment.follow_up_days = wanted.follow_up_days
    segment.is_active = wanted.is_active
    changed = ["name", "document", "tag", "follow_up", "follow_up_days", "is_active"]
    with transaction.atomic():
        segment.save(update_fields=changed)
        segment_trail.note_saved(segment, before, actor_ref=actor_ref, at=at)
    _follow(segment.program, segment, at)
    return segment


def retire_segment(
    segment: Segment, now: dt.datetime | None = None, *, actor_ref: str = ""
) -> Segment:
    """End a segment for good: everybody leaves it, and its tag goes. Idempotent."""
    at = now or timezone.now()
    if segment.retired_at is not None:
        return segment
    with transaction.atomic():
        lock_name(f"segments:{segment.program_id}")
        open_ones = Segment.objects.filter(pk=segment.pk, retired_at=None)
        if open_ones.update(is_active=False, retired_at=at):
            segment_trail.note(AuditAction.SEGMENT_RETIRE, segment, actor_ref=actor_ref, at=at)
        _go(segment, SegmentMember.objects.filter(segment=segment), at)
        _bring_tags(segment.program, None)
    segment.refresh_from_db()
    return segment


def change_list(
    segment: Segment,
    *,
    add: Collection[int] = (),
    remove: Collection[int] = (),
    now: dt.datetime | None = None,
    actor_ref: str = "",
) -> tuple[int, int]:
    """Put accounts on an explicit list and take others off; return how many came and went.

    Idempotent. Refusals: INVALID (not a list, retired, too many at once), NOT_FOUND (an account
    that is no member of the segment's program).
    """
    at = now or timezone.now()
    if segment.document is not None or segment.retired_at is not None:
        raise Refusal(Code.INVALID, "Only an explicit list that is in use can be changed.", "id")
    if len(add) > LIST_MAX or len(remove) > LIST_MAX:
        raise Refusal(Code.INVALID, f"Change {LIST_MAX} members at once at most.", "members")
    members = Account.objects.filter(
        pk__in=list(add), program_id=segment.program_id, state=AccountState.MEMBER
    )
    known = set(members.values_list("pk", flat=True))
    if unknown := sorted(set(add) - known):
        message = f"{len(unknown)} of these are no members of the program."
        raise Refusal(Code.NOT_FOUND, message, "members")
    with transaction.atomic():
        lock_name(f"segments:{segment.program_id}")
        rows = SegmentMember.objects.filter(segment=segment)
        there = set(rows.filter(account__in=known).values_list("account_id", flat=True))
        new = sorted(known - there)
        SegmentMember.objects.bulk_create(
            [SegmentMember(segment=segment, account_id=pk, since=at) for pk in new],
            batch_size=MEMBERS_AT_ONCE,
        )
        _tell(segment, new, SegmentEventKind.ENTERED, at)
        told = {segment.pk: len(new)} if new else {}
        follow_ups.ask_for_those_who_came(segment.program, told, at)
        left = _go(segment, rows.filter(account__in=list(set(remove) - known)), at)
        segment_trail.note_list(segment, len(new), left, actor_ref=actor_ref, at=at)
    refresh(segment.program, {*new, *remove}, now=at)
    return len(new), left


def _follow(program: Program, segment: Segment, at: dt.datetime) -> None:
    """Let members and tags follow a segment that was changed, and those that name its tag.

    Everybody leaves one of a rule that is switched off; a list is kept.
    """
    if segment.document is not None and not segment.is_active:
        with transaction.atomic():
            lock_name(f"segments:{program.pk}")
            _go(segment, SegmentMember.objects.filter(segment=segment), at)
    refresh(program, now=at, just_set=[segment.pk])


def _go(segment: Segment, rows: Any, at: dt.datetime) -> int:
    ids = sorted(rows.values_list("account_id", flat=True))
    rows.filter(account__in=ids).delete()
    _tell(segment, ids, SegmentEventKind.LEFT, at)
    return len(ids)


def _tell(
    segment: Segment, account_ids: Sequence[int], kind: SegmentEventKind, at: dt.datetime
) -> None:
    SegmentEvent.objects.bulk_create(
        [SegmentEvent(segment=segment, account_id=pk, kind=kind, at=at) for pk in account_ids],
        batch_size=MEMBERS_AT_ONCE,
    )


def _checked_rule(program: Program, draft: Draft) -> tuple[Rule | None, Draft, list[Refusal]]:
    rules = rules_of(program.current_version_id)
    money = money_of(rules)
    lists = Segment.objects.filter(program=program, document__isnull=True, retired_at=None)
    around = Surroundings(
        currency=money.currency,
        exponent=money.exponent,
        tiers={tier.slug for tier in rules.ladder.tiers},
        lists=set(lists.values_list("slug", flat=True)),
        questions=rules.questions,
        goods=existing_in(draft.document),
        may_use_tags=not draft.tag,
    )
    rule, problems = parse_rule(draft.document, around)
    if rule is not None:
        draft = replace(draft, document=dump_rule(rule, money.exponent))
    return rule, draft, [Refusal(Code.INVALID, each.message, each.field) for each in problems]


def _naming_refusals(program: Program, draft: Draft, segment: Segment | None) -> list[Refusal]:
    refusals = []
    name = draft.name.strip()
    if not name or len(name) > NAME_LENGTH_MAX:
        message = f"A segment needs a name of {NAME_LENGTH_MAX} characters at most."
        refusals.append(Refusal(Code.INVALID if name else Code.REQUIRED, message, "name"))
    if segment is not None:
        return refusals
    if len(draft.slug) > SLUG_LENGTH_MAX or not SLUG.fullmatch(draft.slug):
        message = (
            "A segment needs a slug: lower-case letters and digits, joined by single hyphens or "
            f"underscores, {SLUG_LENGTH_MAX} characters at most."
        )
        code = Code.INVALID if draft.slug else Code.REQUIRED
        return [*refusals, Refusal(code, message, "slug")]
    rows = Segment.objects.filter(program=program)
    if rows.filter(slug=draft.slug).exists():
        refusals.append(_taken(draft.slug))
    if rows.filter(retired_at=None).count() >= SEGMENTS_MAX:
        message = f"A program has {SEGMENTS_MAX} segments at most; retire one first."
        refusals.append(Refusal(Code.LIMIT_REACHED, message, "slug"))
    return refusals


def _taken(slug: str) -> Refusal:
    return Refusal(Code.UNIQUE, f'There is a segment "{slug}" in this program already.', "slug")


def _follow_up_refusals(draft: Draft) -> list[Refusal]:
    if len(draft.follow_up) > FOLLOW_UP_LENGTH_MAX:
        message = f"The reason of a task has {FOLLOW_UP_LENGTH_MAX} characters at most."
        return [Refusal(Code.INVALID, message, "followUp.reason")]
    if not 0 <= draft.follow_up_days <= FOLLOW_UP_DAYS_MAX:
        message = f"A task is due within {FOLLOW_UP_DAYS_MAX} days."
        return [Refusal(Code.INVALID, message, "followUp.days")]
    return []


def _tag_refusals(draft: Draft) -> list[Refusal]:
    tag = draft.tag
    if tag != tag.strip() or len(tag) > TAG_LENGTH_MAX:
        message = f"A tag has {TAG_LENGTH_MAX} characters at most, without spaces around it."
        return [Refusal(Code.INVALID, message, "tag")]
    if tag.startswith(TAG_PREFIX):
        message = f'Tags that begin with "{TAG_PREFIX}" are those of stages.'
        return [Refusal(Code.INVALID, message, "tag")]
    return []
