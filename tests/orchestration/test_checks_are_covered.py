"""The 101 acceptance checks of the orchestrator: which are shown by a test, which only in part, which not at all, and why.

A test whose name begins with a check's number (`test_0_19_…`) shows it; :data:`ALSO` names tests that are called after something else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

ALL = [f"{seed}.{number}" for seed, count in enumerate((29, 20, 8, 19, 25)) for number in range(1, count + 1)]

ALSO: Mapping[str, tuple[str, ...]] = {
    "0.1": (
        "orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",
        "orchestration/test_rides.py::test_2_6_one_process_runs_the_night_and_is_the_place_for_seven_jobs",
        "projects/test_init.py::test_every_command_that_init_prints_works",
    ),
    "0.2": (
        "contract/test_python_models.py::test_frames_of_every_library_go_in_and_come_out_as_they_were",
        "contract_fake/test_fake_loads.py::test_parquet_keeps_every_value",
    ),
    "0.8": (
        "projects/test_bad_input.py::test_a_cycle_is_told_as_a_chain",
        "projects/test_lineage.py::test_programs_get_json_mermaid_dot_and_openlineage",
    ),
    "0.17": ("orchestration/test_serve.py::test_what_was_published_is_not_built_again_though_history_forgot_it",),
    "0.23": (
        "orchestration/test_history.py::test_logs_follow_a_run_to_its_end",
        "projects/test_environments.py::test_what_is_not_built_is_read_from_production_through_ephemeral_models_too",
        "projects/test_sample.py::test_beside_production_also_what_is_read_from_there_is_sampled",
        "projects/test_places.py::test_where_the_author_wrote_it",
    ),
    "0.27": ("unit/cli/test_help.py::test_the_ten_everyday_commands_come_first_and_in_order",),
    "1.2": (
        "projects/test_site.py::test_lineage_leads_both_ways",
        "demo/test_every_column_is_understood.py::test_every_column_of_every_model_is_known_down_to_its_origins",
    ),
    "1.5": (
        "contract/test_build_bigquery.py::test_options_of_a_table_are_what_the_config_says_after_each_run",
        "contract/test_build_bigquery.py::test_insert_overwrite_replaces_partitions",
    ),
    "1.6": (
        "orchestration/test_rides.py::test_what_bad_rows_leave_published_is_the_day_before",
        "projects/test_gates.py::test_a_failed_test_keeps_the_old_table_and_shows_the_new_rows",
        "contract/test_promises.py::test_a_failed_gate_keeps_the_old_version_and_skips_what_reads_it",
    ),
    "1.8": (
        "contract/test_two_runs.py::test_who_comes_second_says_for_whom_it_waits",
        "contract/test_two_runs.py::test_round_after_round_no_row_is_appended_twice",
    ),
    "1.11": ("orchestration/test_serve.py::test_a_failure_is_the_worst_exit_code_and_stops_what_follows",),
    "1.14": (
        "orchestration/test_history.py::test_0_16_each_is_kept_with_its_class_and_its_own_log",
        "orchestration/test_history.py::test_logs_follow_a_run_to_its_end",
        "projects/test_secrets.py::test_python_models",
    ),
    "1.15": (
        "orchestration/test_retries.py::test_names_what_is_worth_another_try",
        "orchestration/test_alerts_runs.py::test_0_19_a_retry_is_told_and_a_failure_once_after_the_last_attempt",
        "projects/test_gates.py::test_a_warning_goes_on",
    ),
    "1.17": ("orchestration/test_export_engines.py::test_4_10_an_engine_ends_as_one_build_does",),
    "1.18": ("orchestration/test_export_engines.py::test_4_10_an_engine_ends_as_one_build_does",),
    "1.19": ("orchestration/test_export_engines.py::test_4_10_an_engine_ends_as_one_build_does",),
    "1.20": ("orchestration/test_export_engines.py::test_4_10_an_engine_ends_as_one_build_does",),
    "2.2": (
        "contract/test_build_bigquery.py::test_a_relation_changes_its_kind_and_its_partitions",
        "contract/test_intervals.py::test_partitions_of_the_delta_are_replaced",
        "faults/test_killed.py::test_a_model_built_by_interval_before_every_statement",
    ),
    "2.4": ("projects/test_stories.py::test_an_undeclared_table_is_a_warning_and_an_error_when_strict",),
    "2.7": (
        "projects/test_unit_tests.py::test_a_failing_unit_test_needs_no_data",
        "contract/test_environments.py::test_a_sample_finds_its_partners",
    ),
    "2.8": ("test_docs.py::test_every_code_is_explained_and_every_explained_code_exists",),
    "3.3": ("orchestration/test_source_freshness.py::test_each_source_is_judged_by_its_limits_and_the_worst_is_the_exit_code",),
    "3.4": (
        "orchestration/test_alerts_runs.py::test_0_19_a_retry_is_told_and_a_failure_once_after_the_last_attempt",
        "projects/test_commands.py::test_a_failing_on_run_end_does_not_undo_models",
    ),
    "3.7": ("orchestration/test_history.py::test_prune_forgets_old_ones_only",),
    "3.9": (
        "orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",
        "projects/test_stories.py::test_sources_are_tested_before_what_reads_them",
    ),
    "3.14": ("orchestration/test_checks_of_runs.py::test_0_12_no_model_of_any_dag_begins_before_its_parents_have_ended",),
    "3.15": (
        "orchestration/test_checks_of_runs.py::test_0_12_no_model_of_any_dag_begins_before_its_parents_have_ended",
        "contract/test_two_runs.py::test_who_comes_second_says_for_whom_it_waits",
        "contract/test_two_runs.py::test_a_full_refresh_waits_for_the_delta",
    ),
    "3.16": (
        "faults/test_killed.py::test_at_random_times",
        "faults/test_killed.py::test_before_every_statement",
        "contract/test_kill.py::test_a_publish_killed_anywhere_is_whole_or_not_there",
    ),
    "3.17": (
        "projects/test_lineage.py::test_what_a_column_reaches",
        "ci/test_ci.py::test_a_macro_that_changes_what_models_say_changes_those_models",
    ),
    "4.1": (
        "orchestration/test_order.py::test_0_12_nothing_begins_before_what_it_needs_has_ended",
        "orchestration/test_schedules_file.py::test_0_4_a_week_of_nights_in_berlin",
        "orchestration/test_decide_properties.py::test_0_7_pools_priorities_and_the_number_of_runs_limit_what_begins",
    ),
    "4.5": (
        "contract/test_readers.py::test_a_reader_sees_one_complete_version",
        "contract/test_promises.py::test_a_read_while_it_is_replaced_sees_the_whole_of_one_version",
    ),
    "4.8": ("orchestration/test_order.py::test_3_8_a_node_that_does_nothing_costs_less_than_50_milliseconds",),
    "4.9": ("orchestration/test_rides.py::test_what_bad_rows_leave_published_is_the_day_before",),
    "4.11": (
        "orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",
        "orchestration/test_checks_of_runs.py::test_1_12_what_depends_on_a_failure_is_not_even_tried",
    ),
    "4.12": ("orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",),
    "4.17": (
        "orchestration/test_api_read.py::test_a_model_has_a_history",
        "orchestration/test_api_read.py::test_models_say_how_they_ended_last_with_their_tests",
        "projects/test_site.py::test_lineage_leads_both_ways",
    ),
    "4.20": (
        "orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",
        "orchestration/test_api_read.py::test_1_7_a_badge_says_whether_an_exposure_is_fresh",
        "orchestration/test_checks_of_runs.py::test_3_18_a_trained_model_is_deployed_only_when_it_is_good_enough",
    ),
    "4.22": (
        "projects/test_environments.py::test_the_janitor_takes_environments_by_age",
        "projects/test_late.py::test_clean_can_drop_what_failed_gates_left",
        "orchestration/test_history.py::test_prune_forgets_old_ones_only",
        "contract/test_two_runs.py::test_a_killed_run_is_in_nobodys_way",
    ),
    "4.24": ("orchestration/test_rides.py::test_every_command_of_the_readme_does_what_it_says",),
}
"""Tests that show a check, or a part of it, and are named after something else; from the folder of tests."""

SHORT: Mapping[str, str] = {
    "0.1": "the package is installed by `.ci/run`, not by a test; nothing looks for docker",
    "0.2": "a model is exported to files of this machine, not to object stores",
    "0.18": "what was lost is built again by interval; versions of a table are not kept, so nothing is rolled back",
    "0.23": "no command builds one node again from a past run's inputs; one builds it beside production, from a sample",
    "1.5": "on a server of our own that speaks BigQuery's protocol, not yet on BigQuery itself",
    "1.8": "a schedule says `stale: true`; unless it does, the second run waits and builds again",
    "2.2": "Postgres has interval replacement and no declared partitions; DuckDB writes no partitioned files",
    "2.4": "an undeclared name is a warning (L011), an error with `--strict`; there is no rule of its own in `orc lint`",
    "2.5": "the nine lines are printed when somebody asks for them, not by each run of all tests",
    "2.7": "no test measures a run of fifty unit tests against the clock",
    "2.8": "nobody counts the words of a glossary; every code is explained in one place",
    "3.9": "`orc build` does not look at sources' freshness by itself; `orc source freshness` does",
    "3.11": "there are no charts that YAML describes",
    "3.18": "the classifier is our own few lines: no learning library is among the dependencies of tests",
    "4.1": "three tests instead of one simulated day",
    "4.5": "every relation is whole for every statement; several relations are not swapped together",
    "4.8": "a node costs less than 50 ms; reading a thousand models is measured by benchmarks",
    "4.19": "told, and refused with `--warn-error`: what is published passed its gates, so building on it is right",
    "4.20": "the model of machine learning is a small one",
}
"""What is not there of a check that is shown otherwise."""

ABSENT: Mapping[str, str] = {
    "2.3": "a model is built in one place; it has no list of targets to be published to",
    "3.10": "`orc serve` serves one project; several are several processes, on one state if wanted",
}
"""Checks that nothing shows, with the reason."""


def pairs(name: str) -> list[str]:
    """The checks that a test's name begins with: `test_0_29_1_16_a_day` is of 0.29 and 1.16."""
    head = re.match(r"test_((?:\d+_\d+_)+)", name)
    numbers = head[1].strip("_").split("_") if head else []
    return [f"{seed}.{number}" for seed, number in zip(numbers[::2], numbers[1::2], strict=True)]


@cache
def defined(path: str) -> frozenset[str]:
    """The tests that a file defines, in classes, too."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@cache
def named() -> Mapping[str, set[tuple[str, str]]]:
    """Tests by the checks in their names, each with its file."""
    found: dict[str, set[tuple[str, str]]] = {}
    for file in sorted((TESTS / "orchestration").glob("test_*.py")):
        for test in defined(f"orchestration/{file.name}"):
            for check in pairs(test):
                found.setdefault(check, set()).add((f"orchestration/{file.name}", test))
    return found


def where(check: str) -> list[tuple[str, str]]:
    """The tests that show a check: file, from the folder of tests, and name."""
    others = {(file, name) for file, _, name in (each.partition("::") for each in ALSO.get(check, ()))}
    return sorted(named().get(check, set()) | others)


def test_there_are_101_checks_and_no_test_is_of_another() -> None:
    assert len(ALL) == 101
    assert sorted(set(named()) - set(ALL)) == []
    assert sorted({*ALSO, *SHORT, *ABSENT} - set(ALL)) == []


def test_each_check_is_shown_or_said_to_be_absent_with_its_reason() -> None:
    shown = {*named(), *ALSO}
    assert [check for check in ALL if check not in shown and check not in ABSENT] == []
    assert sorted(ABSENT.keys() & shown) == [], "said to be absent, though a test shows it"
    assert sorted(SHORT.keys() - shown) == [], "nothing shows it at all"
    assert all(len(reason) > 15 for reason in (*ABSENT.values(), *SHORT.values()))


def test_2_5_each_of_nine_words_has_its_tests() -> None:
    """`python -m tests.orchestration.nine` runs them and prints nine lines."""
    from tests.orchestration.nine import WORDS

    assert len(WORDS) == 9
    assert [word for word, check in WORDS.items() if not where(check)] == []


def test_the_tests_that_are_named_exist() -> None:
    missing = [
        f"{check}: {test}"
        for check, tests in ALSO.items()
        for test in tests
        if test.partition("::")[2] not in defined(test.partition("::")[0])
    ]
    assert missing == []
    assert all(len(set(tests)) == len(tests) for tests in ALSO.values())
