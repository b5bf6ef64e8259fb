"""Whether a worker that is told to end has successors, or ends with its server."""

from relay.server.generations import Generations


def test_only_those_who_were_there_at_a_reload_have_successors() -> None:
    generations = Generations()
    assert not generations.succeed(1), (
        "ages 2, 3, ... may take the place of one that dies, again and again"
    )
    generations.reload(2)
    assert [generations.succeed(age) for age in (1, 2, 3, 4)] == [True, True, False, False]


def test_one_of_the_newest_generation_has_to_serve() -> None:
    generations = Generations()
    for age in (1, 2, 3):
        generations.serve(age)
    generations.reload(3)
    assert not generations.took_over()
    generations.serve(5)
    generations.serve(4)
    assert generations.took_over()
    # Of the new ones, one after the other dies: the rest serves.
    generations.serve(9)
    assert generations.took_over()
