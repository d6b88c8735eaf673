#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "exporters/sql/described.h"

namespace exporter::sql {

/// The collectors of a source for reports on it, which count events as far back as they may be
/// late. Borrows the source.
std::vector<Described> described_for_trial(Source& source);

/// A statement that ran, and the source that was asked.
using OnRan = std::function<void(const std::string& source, const Database::Ran& ran)>;

/// Runs a collector once and reports each of its statements to `on_ran`. The failure of the run.
std::optional<Error> try_once(const Described& described, Samples& samples,
                              const Deadline& deadline, const OnRan& on_ran);

}  // namespace exporter::sql
