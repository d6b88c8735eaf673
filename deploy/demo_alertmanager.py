"""The shipped Alertmanager configuration for the quickstart, without notifications."""

import re
import shutil


def without_channels(text):
    """The configuration with all receivers, none of which has an integration."""
    kept, is_inside = [], False
    for line in text.splitlines(keepends=True):
        if re.match(r"\w", line):
            is_inside = line.startswith("receivers:")
            kept.append(line)
        elif not is_inside or line.startswith("  - name: "):
            kept.append(line)
    return "".join(kept)


def write_to(folder, source):
    """Copies the configuration and its templates. Returns the path of the configuration."""
    shutil.copytree(source / "templates", folder / "alertmanager/templates")
    config = folder / "alertmanager/alertmanager.yml"
    config.write_text(without_channels((source / "alertmanager.yml").read_text()))
    return config


def summary(alerts):
    """A summary of the alerts that its API returned."""
    inhibited = sum(bool(alert["status"]["inhibitedBy"]) for alert in alerts)
    return f"alerts: {len(alerts)}, inhibited: {inhibited}"
