#pragma once

#include <optional>
#include <string>
#include <string_view>

struct MHD_Connection;

namespace exporter::http {

/// The value of a header, by name in any case; empty when absent. Equal headers are joined by ",".
std::string header_of(MHD_Connection* connection, std::string_view name);

/// What is wrong with a head that can be read in another way than the library reads it: see
/// Framing. `head` and `version` are the method and version that the library passes to its handler,
/// and `target_end` is the end of the C string that it gave as target.
std::optional<std::string_view> fault_of_head(MHD_Connection* connection, const char* head,
                                              const char* version, const char* target_end);

}  // namespace exporter::http
