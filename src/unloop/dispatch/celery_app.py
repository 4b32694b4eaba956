"""The Celery application: settings that make its messages hints and leave all truth to the store."""

from celery import Celery

from unloop.model.host_run import Queue

MEMORY = "memory://"


def make_app(broker_url: str = MEMORY) -> Celery:
    """A configured application without tasks. Messages are acknowledged early, expire, and carry no state."""
    app = Celery("unloop", broker=broker_url, set_as_current=False)
    options: dict[str, object] = {"visibility_timeout": 3600}
    if broker_url.startswith(MEMORY):
        options["polling_interval"] = 0.02
    else:
        options |= {"socket_timeout": 5, "socket_connect_timeout": 2, "socket_keepalive": True}
    app.conf.update(
        task_acks_late=False,
        task_ignore_result=True,
        task_publish_retry=False,
        task_default_queue=str(Queue.WORK),
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=broker_url.startswith("redis"),
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=30.0,
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_transport_options=options,
        timezone="UTC",
    )
    return app
