#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/http/framing.h"

struct MHD_Connection;

namespace exporter::http {

/// The value of a header, by name in any case; empty if absent. Values of duplicates are joined by
/// ",".
std::string header_of(MHD_Connection* connection, std::string_view name);

/// The fault of a head that can be interpreted in another way than the library does: see Framing.
/// `method` and `version` are those that the library passes to its handler, and `target` is a copy
/// of what it passed before, at `target_place`.
std::optional<Framing::Fault> fault_of_head(MHD_Connection* connection, const char* method,
                                            std::string_view target, const char* target_place,
                                            const char* version);

}  // namespace exporter::http
