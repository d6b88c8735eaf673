#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/container/group_files.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

/// The counters of one interface, as /proc/PID/net/dev has them.
struct Interface {
  std::string name;
  double received_bytes, received_packets, received_errors, received_dropped;
  double sent_bytes, sent_packets, sent_errors, sent_dropped;
};

/// Reads the network namespace of a process, independent of this process's own.
class Network {
 public:
  /// A network namespace; equal for processes that share one.
  struct Namespace {
    dev_t device;
    ino_t inode;
    /// Its net/dev, looked up but not opened, which would keep the namespace of an ended container
    /// alive. Opening it from here saves a third of the cost of its path. May be null.
    std::shared_ptr<const OpenFile> file{};

    bool operator==(const Namespace& other) const { return (*this <=> other) == 0; }
    std::strong_ordering operator<=>(const Namespace& other) const;
  };

  explicit Network(const Host& host);

  /// Nothing if the process has ended.
  std::optional<Namespace> namespace_of(std::string_view pid) const {
    return namespace_at(std::string(pid) + "/net/dev");
  }
  /// Whether it is the host's own, whose interfaces belong to no container.
  bool is_hosts(const Namespace& network) const { return network == host_; }
  /// All interfaces in the network of that process except those of other containers or of none: lo,
  /// veth*, docker*, nerdctl*. Empty if the network is gone. Throws Error{decode} with path and
  /// line.
  std::vector<Interface> interfaces(std::string_view pid, const Namespace& network);

 private:
  std::optional<Namespace> namespace_at(const std::string& devices) const;
  std::optional<std::string_view> read(const std::string& path);

  Files proc_, short_;  ///< the latter reads a text in one call
  std::optional<Namespace> host_;
};

}  // namespace exporter::host::container
