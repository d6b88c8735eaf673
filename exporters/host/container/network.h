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

/// Reads the network namespace that a process is in, whatever the one of this process.
class Network {
 public:
  /// A network namespace; equal for processes that share one.
  struct Namespace {
    dev_t device;
    ino_t inode;
    /// Its net/dev, found but not opened, which would keep the namespace of a container that has
    /// ended. To open it from here saves a third of what its path costs. May be null.
    std::shared_ptr<const OpenFile> file{};

    bool operator==(const Namespace& other) const { return (*this <=> other) == 0; }
    std::strong_ordering operator<=>(const Namespace& other) const;
  };

  explicit Network(const Host& host);

  /// Nothing when the process has ended.
  std::optional<Namespace> namespace_of(std::string_view pid) const {
    return namespace_at(std::string(pid) + "/net/dev");
  }
  /// Whether it is the host's own: its interfaces are no container's.
  bool is_hosts(const Namespace& network) const { return network == host_; }
  /// All in the network of that process but those that stand for other containers, or for none: lo,
  /// veth*, docker*, nerdctl*. None when the network is gone. Throws Error{decode} with path and
  /// line.
  std::vector<Interface> interfaces(std::string_view pid, const Namespace& network);

 private:
  std::optional<Namespace> namespace_at(const std::string& devices) const;
  std::optional<std::string_view> read(const std::string& path);

  Files proc_, short_;  ///< the latter takes a text in one read
  std::optional<Namespace> host_;
};

}  // namespace exporter::host::container
