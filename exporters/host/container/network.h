#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host::container {

/// The counters of one interface, as /proc/PID/net/dev has them.
struct Interface {
  std::string name;
  double received_bytes, received_packets, received_errors, received_dropped;
  double sent_bytes, sent_packets, sent_errors, sent_dropped;
};

/// Reads the network namespace that a process is in, whatever the one of this process.
class Network {
 public:
  /// A network namespace; equal for processes that share one.
  using Namespace = std::pair<dev_t, ino_t>;

  explicit Network(const Host& host);

  /// Nothing when the process has ended.
  std::optional<Namespace> namespace_of(std::string_view pid) const;
  /// Whether it is the host's own: its interfaces are no container's.
  bool is_hosts(const Namespace& network) const { return network == host_; }
  /// All but those that stand for other containers, or for none: lo, veth*, docker*, nerdctl*.
  /// Throws Error{decode} with path and line.
  std::vector<Interface> interfaces(std::string_view pid);

 private:
  Files proc_, short_;  ///< the latter takes a text in one read
  std::optional<Namespace> host_;
};

}  // namespace exporter::host::container
