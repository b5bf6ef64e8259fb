import time

import pytest

from relay.server.negotiation import negotiate

PLAIN = "permessage-deflate; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offers", "response"),
    [
        ("permessage-deflate", PLAIN),
        ("permessage-deflate; client_max_window_bits", PLAIN),
        ("permessage-deflate; client_max_window_bits=10", PLAIN),
        ('permessage-deflate;client_max_window_bits="8"', PLAIN),
        (r'permessage-deflate; client_max_window_bits="\1\5"', PLAIN),
        ("permessage-deflate; client_no_context_takeover", PLAIN),
        ("permessage-deflate; server_max_window_bits=15", PLAIN + "; server_max_window_bits=15"),
        ("permessage-deflate; server_no_context_takeover", PLAIN + "; server_no_context_takeover"),
        (" , ,permessage-deflate ;\tclient_max_window_bits = 15 ,", PLAIN),
    ],
)
def test_offer_that_the_relay_can_keep_is_accepted(offers, response):
    assert negotiate(offers).response == response


@pytest.mark.parametrize(
    "offers",
    [
        "",
        "permessage-bzip2",
        "x-webkit-deflate-frame",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=14",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=010",
        'permessage-deflate; client_max_window_bits=""',
        "permessage-deflate; client_max_window_bits=१०",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
        "permessage-deflate; mystery",
        "permessage-deflate; mystery=1",
    ],
)
def test_offer_that_the_relay_cannot_keep_is_declined(offers):
    assert negotiate(offers) is None


@pytest.mark.parametrize(
    "offers",
    [
        "permessage-deflate;",
        "permessage-deflate; ,",
        "permessage-deflate; =10",
        "permessage-deflate=1",
        "permessage-deflate; client_max_window_bits=",
        'permessage-deflate; client_max_window_bits="10',
        "permessage-deflate client_max_window_bits",
        "permessage-deflate, @",
    ],
)
def test_ill_formed_header_offers_nothing(offers):
    assert negotiate(offers) is None


def test_first_acceptable_of_several_offers_wins():
    agreement = negotiate(
        'other; text="a, permessage-deflate; b", '
        "permessage-deflate; server_max_window_bits=10, "
        "permessage-deflate; server_no_context_takeover, "
        "permessage-deflate"
    )
    assert agreement.response == PLAIN + "; server_no_context_takeover"


def test_agreement_says_whether_each_message_is_compressed_alone():
    assert negotiate("permessage-deflate; server_no_context_takeover").server_no_context_takeover
    assert not negotiate("permessage-deflate").server_no_context_takeover


@pytest.mark.parametrize("filler", [" ", ",", '"', "\\", "a", "a;", "a=", 'a="', "=", ";"])
def test_hostile_header_is_judged_in_linear_time(filler):
    header = "permessage-deflate; x" + filler * (60_000 // len(filler)) + "@"
    before = time.process_time()
    assert negotiate(header) is None
    assert time.process_time() - before < 0.5
