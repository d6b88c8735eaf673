#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/http/framing.h"

struct MHD_Connection;

namespace exporter::http {

/// The value of a header, by name in any case; empty when absent. Equal headers are joined by ",".
std::string header_of(MHD_Connection* connection, std::string_view name);

/// What is wrong with a head that can be read in another way than the library reads it: see
/// Framing. `method` and `version` are what the library passes to its handler, and `target` is a
/// copy of what it gave before, at `target_place`.
std::optional<Framing::Fault> fault_of_head(MHD_Connection* connection, const char* method,
                                            std::string_view target, const char* target_place,
                                            const char* version);

}  // namespace exporter::http
