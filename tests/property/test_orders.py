"""Earning and clawing back: what holds for every order in every state."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from saleor_retention.engine.accrual import EarnTerms, earn, kept, kept_shares, kept_spend, quoted
from saleor_retention.engine.facts import BasketLine, OrderFacts, OrderState
from saleor_retention.engine.rules import EarnCaps, ProgramRules
from saleor_retention.engine.settlement import Booked, matures_at, restored_points, target_of
from tests.property.strategies import changed, earning_programs, orders, points, tier_slugs
from tests.unit.books import Books

RULES = earning_programs()


def draw_terms(data: st.DataObject, rules: ProgramRules) -> EarnTerms:
    """Return terms for a member of any tier."""
    return EarnTerms(rules, data.draw(tier_slugs(rules)))


@given(order=orders(), rules=RULES, data=st.data())
def test_accruals_add_up(order: OrderFacts, rules: ProgramRules, data: st.DataObject) -> None:
    """Points fall on lines of the order, none negative, and the parts are the whole."""
    terms = draw_terms(data, rules)
    for accrual in (earn(order, terms), kept(data.draw(changed(order)), terms)):
        assert accrual.points >= 0
        assert sum(share for _, share in accrual.by_line) == accrual.points
        assert all(share > 0 for _, share in accrual.by_line)
        refs = [ref for ref, _ in accrual.by_line]
        assert len(refs) == len(set(refs))


@given(order=orders(), rules=RULES, data=st.data())
def test_nothing_returned_is_all_kept(
    order: OrderFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """K of an untouched order is E, to the line; of a canceled one nothing."""
    terms = draw_terms(data, rules)

    assert kept(order, terms) == earn(order, terms)
    assert kept(replace(order, state=OrderState.CANCELED), terms).points == 0


@given(order=orders(min_lines=1), rules=RULES, more=st.integers(0, 10**6), data=st.data())
def test_paying_more_never_earns_less(
    order: OrderFacts, rules: ProgramRules, more: int, data: st.DataObject
) -> None:
    """Earning is monotone in the amount of every line."""
    terms = draw_terms(data, rules)
    index = data.draw(st.integers(0, len(order.lines) - 1))
    line = order.lines[index]
    dearer = replace(line, net_minor=line.net_minor + more, gross_minor=line.gross_minor + more)
    lines = (*order.lines[:index], dearer, *order.lines[index + 1 :])

    assert earn(replace(order, lines=lines), terms).points >= earn(order, terms).points


@given(order=orders(), rules=RULES, data=st.data())
def test_what_is_kept_is_a_part_of_what_was_bought(
    order: OrderFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """Shares lie between nothing and all, and kept points and spend never pass the whole."""
    terms = draw_terms(data, rules)
    later = data.draw(changed(order))

    assert all(0 <= share <= 1 for share in kept_shares(later))
    assert 0 <= kept(later, terms).points <= earn(order, terms).points
    assert earn(later, terms) == earn(replace(order, state=later.state), terms)
    assert 0 <= kept_spend(later, terms) <= kept_spend(order, terms)


@given(order=orders(min_lines=1), rules=RULES, data=st.data())
def test_refunding_more_never_keeps_more(
    order: OrderFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """Another returned unit or another refunded amount takes points or leaves them."""
    terms = draw_terms(data, rules)
    later = data.draw(changed(order))
    more_money = replace(
        later, refunded_minor=later.refunded_minor + data.draw(st.integers(0, 10**6))
    )

    assert kept(more_money, terms).points <= kept(later, terms).points


@given(order=orders(min_lines=1), rules=RULES, first=st.integers(0, 60), second=st.integers(0, 40))
def test_refunds_in_parts_are_one(
    order: OrderFacts, rules: ProgramRules, first: int, second: int
) -> None:
    """V10: two refunds of money take what one of the sum takes, in either order."""
    terms = EarnTerms(rules)
    goods_minor = order.total_minor - order.shipping_gross_minor
    one, two = goods_minor * first // 100, goods_minor * second // 100

    def after(*refunds: int) -> Booked:
        books = Books(terms, redeemed=1000)
        books.deliver(order)
        so_far = order
        for money in refunds:
            so_far = replace(so_far, refunded_minor=so_far.refunded_minor + money)
            for _ in range(3):
                books.deliver(so_far)
        return books.booked

    assert after(one, two) == after(two, one) == after(one + two)


@given(order=orders(min_lines=1), rules=RULES, redeemed=points, data=st.data())
def test_a_full_refund_takes_exactly_what_was_earned(
    order: OrderFacts, rules: ProgramRules, redeemed: int, data: st.DataObject
) -> None:
    """Whether the goods come back, the money goes back, or the order is canceled."""
    terms = draw_terms(data, rules)
    all_goods = tuple(replace(line, quantity_returned=line.quantity) for line in order.lines)
    ends = [
        replace(order, lines=all_goods),
        replace(order, state=OrderState.CANCELED),
    ]
    if order.total_minor > order.shipping_gross_minor:
        ends.append(
            replace(
                order,
                refunded_minor=order.total_minor,
                refunded_shipping_minor=order.shipping_gross_minor,
            )
        )
    for end in ends:
        books = Books(terms, redeemed=redeemed)
        books.deliver(order)
        earned = books.booked.earned
        books.deliver(end)

        assert books.booked == Booked(earned, earned, redeemed, redeemed)
        assert books.net == 0


@given(order=orders(), rules=RULES, redeemed=points, data=st.data())
def test_the_last_state_decides(
    order: OrderFacts, rules: ProgramRules, redeemed: int, data: st.DataObject
) -> None:
    """Events late, thrice, out of order or stale: the books end where the state is."""
    terms = draw_terms(data, rules)
    states = data.draw(st.lists(changed(order), max_size=4))
    last = data.draw(changed(order))
    straight = Books(terms, redeemed=redeemed)
    straight.deliver(order)
    straight.deliver(last)

    winding = Books(terms, redeemed=redeemed)
    winding.deliver(order)
    for state in states:
        winding.deliver(state)
    for _ in range(3):
        winding.deliver(last)

    assert winding.booked == straight.booked


@given(order=orders(), rules=RULES, redeemed=points, data=st.data())
def test_targets_are_bounded(
    order: OrderFacts, rules: ProgramRules, redeemed: int, data: st.DataObject
) -> None:
    """Never clawed more than earned, never restored more than redeemed (invariants 5 and 6)."""
    terms = draw_terms(data, rules)
    later = data.draw(changed(order))
    booked = Booked(earned=data.draw(points), redeemed=redeemed)

    target = target_of(later, terms, booked)

    assert 0 <= target.clawed <= target.earned
    assert target.earned >= booked.earned
    assert 0 <= target.restored <= redeemed
    if target.is_void:
        assert (target.clawed, target.restored) == (target.earned, redeemed)


@given(order=orders(), first=points, second=points, data=st.data())
def test_points_come_back_in_proportion(
    order: OrderFacts, first: int, second: int, data: st.DataObject
) -> None:
    """More redeemed never restores fewer, and parts lose less than a point each."""
    later = data.draw(changed(order))

    together = restored_points(later, first + second)
    apart = restored_points(later, first) + restored_points(later, second)

    assert apart <= together <= apart + 1


@given(order=orders(), rules=RULES, data=st.data())
def test_nothing_matures_before_payment(
    order: OrderFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """And a tier shortens the wait or leaves it."""
    assert order.paid_at is not None
    without = matures_at(order, EarnTerms(rules), order.paid_at)
    with_tier = matures_at(order, draw_terms(data, rules), order.paid_at)

    assert (without is None) == (with_tier is None)
    if without is not None and with_tier is not None:
        assert order.paid_at <= with_tier <= without


@given(order=orders(), rules=RULES, data=st.data())
def test_a_quote_promises_what_the_order_earns(
    order: OrderFacts, rules: ProgramRules, data: st.DataObject
) -> None:
    """The cart's figure is the order's, for an order whose origin and shipping do not differ."""
    terms = draw_terms(data, replace(rules, earns_on_shipping=False, earns_on_drafts=True))
    terms = replace(
        terms, rules=replace(terms.rules, earns_on_reissues=True, earns_on_bulk_orders=True)
    )
    lines = [
        (
            BasketLine(line.ref, line.goods, line.quantity, 0, 0, is_gift_card=line.is_gift_card),
            line.gross_minor if rules.earns_on_tax else line.net_minor,
        )
        for line in order.lines
    ]

    assert quoted(lines, order.currency, order.created_at, terms) == earn(order, terms).points


@given(order=orders(min_lines=1), rules=RULES)
def test_a_point_is_never_lost_to_lines(order: OrderFacts, rules: ProgramRules) -> None:
    """One floor over the order: within one point of the exact sum, which lines alone are not."""
    plain = replace(rules, multipliers=(), earns_on_shipping=False, earn_caps=EarnCaps())
    terms = EarnTerms(plain)
    rate = rules.earn_rates.get(order.currency)
    accrual = earn(order, terms)
    if rate is None or not accrual.points:
        return
    basis = sum(
        line.gross_minor if rules.earns_on_tax else line.net_minor
        for line in order.lines
        if not line.is_gift_card
    )

    exact = Fraction(basis) * rate.points / rate.per_minor

    assert 0 <= exact - accrual.points < 1
