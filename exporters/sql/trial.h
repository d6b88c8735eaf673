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

/// The collectors of a source for reports about it; they count events as far back as they may be
/// late. Keeps a reference to the source.
std::vector<Described> described_for_trial(Source& source);

/// A statement that ran, and its source.
using OnRan = std::function<void(const std::string& source, const Database::Ran& ran)>;

/// Runs a collector once and passes each of its statements to `on_ran`. Returns the run's failure.
std::optional<Error> try_once(const Described& described, Samples& samples,
                              const Deadline& deadline, const OnRan& on_ran);

}  // namespace exporter::sql
