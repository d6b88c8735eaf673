#pragma once

#include "common/app/app.h"
#include "common/app/command.h"

namespace exporter {

/// Requests /-/healthy from all listeners of a running exporter, and prints "healthy" if all
/// answer. Which exporter: the one that the web flags of `command` describe; without web flags, the
/// one that runs in this mount namespace (this container), with its own flags; else the one at the
/// default address. Returns exit code 0; throws Error if it is unhealthy or does not answer within
/// 3 s.
int check_health(const App& app, const Command& command);

}  // namespace exporter
