"""Whether a worker that is told to end has successors, or ends with its server."""

from relay.server.generations import Generations


def test_a_worker_has_successors_once_as_many_as_there_shall_be_were_started_after_it() -> None:
    generations = Generations()
    assert not generations.succeed(1)
    for age in (1, 2):
        generations.note(age, 2)
    assert not generations.succeed(1)
    for age in (3, 4):
        generations.note(age, 2)
    assert [generations.succeed(age) for age in (1, 2, 3, 4)] == [True, True, False, False]
