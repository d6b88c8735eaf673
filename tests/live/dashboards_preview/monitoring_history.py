"""What Prometheus and Alertmanager say of themselves."""


def write(history):
    prometheus(history)
    alertmanager(history)


def prometheus(history):
    at = {"job": "prometheus", "instance": "prometheus:9090"}
    history.add("up", 1, **at)
    history.add("scrape_duration_seconds", 0.005, **at)
    history.add("scrape_samples_scraped", 700, **at)
    history.add("prometheus_config_last_reload_successful", 1, **at)
    history.count("prometheus_rule_evaluation_failures_total", 0, rule_group="host", **at)


def alertmanager(history):
    """It tells Slack of all that begins; the mail server did not take all of an hour ago."""
    at = {"job": "alertmanager", "instance": "alertmanager:9093"}
    history.add("up", 1, **at)
    history.add("scrape_duration_seconds", 0.004, **at)
    history.add("scrape_samples_scraped", 410, **at)
    for state, alerts in (("active", 41), ("suppressed", 12)):
        history.add("alertmanager_alerts", alerts, state=state, **at)
    history.add("alertmanager_silences", 2, state="active", **at)
    for integration, every in (("slack", 900), ("email", 2400), ("pagerduty", 4200)):
        history.add("alertmanager_notifications_total", lambda t, e=every: 100 + (t - history.start) // e,
                    integration=integration, **at)
        refused = history.now - 3600 if integration == "email" else history.now + 1
        history.add("alertmanager_notifications_failed_total",
                    lambda t, r=refused: max(0, min(4, (t - r) // 300)), integration=integration, **at)
