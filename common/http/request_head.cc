#include "common/http/request_head.h"

#include <microhttpd.h>

#include "common/base/text.h"

namespace exporter::http {

namespace {

/// Before 1.0 the library reads the target and each header as a C string, and leaves them where
/// they were received.
bool reads_up_to_nul() { return std::string_view(MHD_get_version()).starts_with("0."); }

/// Calls visit(name, value) for each header.
template <class Visit>
void for_each_header(MHD_Connection* connection, Visit visit) {
  const auto call = [](void* visitor, MHD_ValueKind, const char* name, std::size_t name_size,
                       const char* value, std::size_t value_size) {
    const std::string_view text =
        value == nullptr ? std::string_view{} : std::string_view(value, value_size);
    (*static_cast<Visit*>(visitor))(std::string_view(name, name_size), text);
    return MHD_YES;
  };
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, call, &visit);
}

}  // namespace

std::string header_of(MHD_Connection* connection, std::string_view wanted) {
  std::string joined;
  bool found = false;
  for_each_header(connection, [&](std::string_view name, std::string_view value) {
    if (!equal_ignoring_case(name, wanted)) return;
    if (found) joined += ',';
    found = true;
    joined += value;
  });
  return joined;
}

std::optional<Framing::Fault> fault_of_head(MHD_Connection* connection, const char* method,
                                            std::string_view target, const char* target_place,
                                            const char* version) {
  const auto* size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  std::optional<Framing::Place> place;
  if (reads_up_to_nul()) place = {target_place, method + size->header_size};
  Framing framing(method, target, version, place);
  for_each_header(connection,
                  [&](std::string_view name, std::string_view value) { framing.add(name, value); });
  return framing.fault();
}

}  // namespace exporter::http
