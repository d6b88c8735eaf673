#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace exporter::host {

/// An address of a network device, as text.
struct Address {
  std::string device, address;
  int prefix_length;
  std::string_view scope;  ///< "link-local", "interface-local", "global" or ""
};

/// The IPv4 and IPv6 addresses in this process's network namespace. Throws Error{io}.
std::vector<Address> addresses();

}  // namespace exporter::host
