#pragma once

#include <linux/ethtool.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace exporter::host {

/// Queries the drivers of network devices by ioctl SIOCETHTOOL (linux/ethtool.h), in the network
/// namespace of the constructing thread. A reply is empty if the device has none.
class EthtoolSocket {
 public:
  /// If a sandbox forbids the socket, all replies are empty.
  EthtoolSocket();
  ~EthtoolSocket();
  EthtoolSocket(const EthtoolSocket&) = delete;
  EthtoolSocket& operator=(const EthtoolSocket&) = delete;

  /// What the link supports and advertises, for the first 32 link modes (ETHTOOL_GSET).
  std::optional<ethtool_cmd> link(const std::string& device) const;
  /// The driver (ETHTOOL_GDRVINFO).
  std::optional<ethtool_drvinfo> driver(const std::string& device) const;
  using Statistics = std::vector<std::pair<std::string, std::uint64_t>>;
  /// The driver's own statistics, `count` of them (ethtool_drvinfo::n_stats), with their names
  /// (ETHTOOL_GSTATS).
  Statistics statistics(const std::string& device, std::uint32_t count) const;

 private:
  bool ask(const std::string& device, void* question) const;

  int socket_;
};

}  // namespace exporter::host
