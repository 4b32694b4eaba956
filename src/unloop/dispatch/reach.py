"""Whether the broker that the settings name is there, asked before anything relies on it."""

from celery import Celery
from kombu.exceptions import OperationalError

from unloop.dispatch.broker import broker_url
from unloop.dispatch.celery_app import make_app
from unloop.errors import InputError, Problem
from unloop.settings.schema import Settings

CONNECTING = 5.0


def reachable_app(settings: Settings) -> Celery:
    """The application on the broker of the settings; raises InputError when that can't be reached."""
    url = settings.broker.url
    app = make_app(broker_url(settings))
    try:
        with app.connection_for_write(connect_timeout=CONNECTING) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=CONNECTING)
    except KeyError as error:
        raise InputError(Problem(f"broker.url: {url} is of no kind that can be used; {error.args[0]}")) from error
    except (OperationalError, OSError) as error:
        reason = str(error).rstrip(".")
        hint = "start it, or correct broker.url in unloop.toml"
        raise InputError(Problem(f"broker {url} can't be reached: {reason}", hint=hint)) from error
    return app
