"""Jinja in configuration values: profiles, project file, properties."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, UndefinedError

from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.project import SECRET_PREFIXES, Secret, Target
from orchestrator.render.environment import TemplateEnvironment
from orchestrator.render.refusal import TemplateFailure


@lru_cache(maxsize=1)
def _environment() -> TemplateEnvironment:
    return TemplateEnvironment()


def render_value(text: str, variables: Mapping[str, Any], target: Target | None, env: Mapping[str, str]) -> object:
    """A value with its template rendered; ``as_bool``/``as_number``/``as_native`` at the end make it a boolean or number.

    A value that used a secret variable comes back as :class:`Secret`.

    Raises:
        ConfigError: C010, the template does not render.
    """
    secret = False

    def env_var(name: str, default: str | None = None) -> str:
        nonlocal secret
        value = env.get(name, default)
        if value is None:
            raise TemplateFailure(
                f"the environment variable `{name}` is not set", f"export {name}=…, or give env_var('{name}', default) a default"
            )
        secret = secret or name.startswith(SECRET_PREFIXES)
        return str(value)

    def var(name: str, *default: Any) -> Any:
        if name not in variables and not default:
            raise TemplateFailure(f"the variable `{name}` is not defined", did_you_mean(name, variables))
        return variables.get(name, *default)

    names: dict[str, Any] = {"env_var": env_var, "var": var, "secret": lambda name: env_var(name)}  # noqa: PLW0108 - a secret has no default
    if target is not None:
        names["target"] = {
            "name": target.name,
            "schema": target.schema,
            "type": target.type,
            "database": target.database,
            "profile_name": target.profile,
        }
    try:
        rendered = _environment().from_string(text).render(names)
    except TemplateFailure as error:
        raise ConfigError(Problem("C010", error.message, None, error.hint)) from error
    except (TemplateSyntaxError, UndefinedError, TypeError, ValueError) as error:
        raise ConfigError(Problem("C010", f"`{text}` does not render: {error}")) from error
    if secret:
        return Secret(rendered)
    return _native(text, rendered)


def _native(text: str, rendered: str) -> object:
    """Values that ask for a type with dbt's filters get it; everything else stays text."""
    if not any(f in text for f in ("as_bool", "as_number", "as_native")):
        return rendered
    folded = rendered.strip().lower()
    if folded in ("true", "false"):
        return folded == "true"
    for kind in (int, float):
        try:
            return kind(rendered)
        except ValueError:
            continue
    return rendered
