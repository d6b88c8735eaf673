#pragma once

#include "common/app/app.h"
#include "common/app/command.h"

namespace exporter {

/// Asks all listeners of a running exporter for /-/healthy, and says "healthy" on standard output.
/// It is the one that the web flags of `command` describe or, without such, the one that runs in
/// this mount namespace (this container), with its own flags; failing that, at the default address.
/// The exit code, 0; throws Error when it is not healthy, or not within 3 s.
int check_health(const App& app, const Command& command);

}  // namespace exporter
