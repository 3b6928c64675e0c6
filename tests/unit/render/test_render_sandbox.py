"""Ways out of a template sandbox, all closed: none of them may give anything but an error, and none may show the canary."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

CANARY = "canary-7f3a"
Make = Callable[..., Any]

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ()['__class__'] }}",
    "{{ [].__class__.__base__ }}",
    "{{ {}|attr('__class__') }}",
    "{{ (['']|map(attribute='__class__')|first).mro }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ '{0.__class__}'.format('') }}",
    "{{ '{x.__class__}'.format_map({'x': ''}) }}",
    "{{ ('{0.__class__.__mro__}'|format)('') }}",
    "{{ ref.__globals__ }}",
    "{{ ref.__closure__[0].cell_contents }}",
    "{{ ref.__code__ }}",
    "{{ var.__call__.__func__.__globals__ }}",
    "{{ var.__init__.__globals__ }}",
    "{{ config.__init__.__globals__ }}",
    "{{ config._base }}",
    "{{ config._recorder }}",
    "{{ this._recorder }}",
    "{{ this._physical }}",
    "{{ target._facts }}",
    "{{ target.password }}",
    "{{ target['password'] }}",
    "{{ target.settings }}",
    "{{ builtins._scope.facts.env }}",
    "{{ builtins['_scope'] }}",
    "{{ shop._scope.facts.env }}",
    "{{ shop._package.__class__ }}",
    "{{ hello._scope.facts.env }}",
    "{{ hello.scope.facts.env }}",
    "{{ hello._macro }}",
    "{{ context._scope.facts.env }}",
    "{{ context['__class__'] }}",
    "{{ adapter._scope.facts.target.settings.password.reveal() }}",
    "{{ exceptions._scope }}",
    "{{ modules._scope }}",
    "{{ execute._note.__globals__ }}",
    "{{ execute._value }}",
    "{{ modules.datetime.sys.modules }}",
    "{{ modules.re.enum.sys.modules }}",
    "{{ modules.re._module }}",
    "{{ modules.re.functools }}",
    "{{ modules.itertools.__loader__ }}",
    "{{ modules.pytz.os.environ }}",
    "{{ modules.pytz.open_resource('UTC') }}",
    "{{ modules.pytz.sys }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% macro a() %}{{ caller._func }}{% endmacro %}{% call a() %}{% endcall %}",
    "{% macro a() %}{% endmacro %}{{ a._func.__globals__ }}",
    "{% macro a() %}{% endmacro %}{{ a.context.parent.facts.env }}",
    "{% macro a() %}{% endmacro %}{{ a._context.parent.facts.env }}",
    "{{ namespace().__init__.__globals__ }}",
    "{{ range.__class__ }}",
    "{{ dict.__subclasses__() }}",
    "{{ set_strict.mro() }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner.__init__.__globals__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends 'models/other.sql' %}",
    "{{ env_var('DBT_ENV_SECRET_TOKEN') }}",
    "{{ env_var('ORC_SECRET_TOKEN') }}",
    "{{ fromyaml('!!python/object/apply:os.system [id]').x }}",
    "{{ (1).__class__.__init__ }}",
    "{{ run_started_at.__class__.__init__.__globals__ }}",
    "{{ render('{{ \"\".__class__ }}') }}",
    "{{ api.Relation.create.__globals__ }}",
    "{{ api.__class__ }}",
    "{{ local_md5.__globals__ }}",
    "{{ range(10 ** 7) | list }}",
]


@pytest.mark.parametrize("template", ESCAPES)
@pytest.mark.parametrize("live", [False, True], ids=["dry", "live"])
def test_a_way_out_is_an_error(bench: Make, template: str, live: bool) -> None:
    problem = bench(macros={"macros/a.sql": "{% macro hello() %}hi{% endmacro %}"}).problem(template, live=live)
    assert problem.code[0] == "R"
    assert CANARY not in str(problem)


@pytest.mark.parametrize(
    "template",
    [
        "{{ target }}",
        "{{ target | list }}",
        "{% for k in target %}{{ k }}={{ target[k] }}{% endfor %}",
        "{{ flags }}",
        "{{ context }}",
        "{{ adapter }}",
        "{{ model }}",
        "{{ builtins }}",
        "{{ exceptions }}",
        "{{ modules }}",
        "{{ hello }}",
        "{{ dbt_metadata_envs }}",
        "{{ graph }}",
        "{{ invocation_args_dict }}",
        "{{ var }}",
        "{{ config }}",
        "{{ debug is defined }}",
    ],
)
def test_nothing_shows_a_secret(bench: Make, template: str) -> None:
    text, notes = bench(macros={"macros/a.sql": "{% macro hello() %}hi{% endmacro %}"}).render(template)
    assert CANARY not in text
    assert CANARY not in json.dumps([notes.inputs.values, notes.config])
