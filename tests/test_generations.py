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


def test_one_of_the_newest_generation_has_to_serve() -> None:
    generations = Generations()
    for age in (1, 2):
        generations.note(age, 2)
        generations.serve(age)
    # One that replaces a worker which died is no newer generation.
    generations.note(3, 2)
    generations.serve(3)
    for age in (4, 5):
        generations.note(age, 2)
    assert not generations.took_over()
    generations.serve(5)
    generations.serve(4)
    assert generations.took_over()
