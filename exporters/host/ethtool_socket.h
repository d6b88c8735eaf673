#pragma once

#include <linux/ethtool.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace exporter::host {

/// Asks the drivers of network devices by ioctl SIOCETHTOOL (linux/ethtool.h), in the network
/// namespace of the thread that makes it. An answer is absent where a device has none.
class EthtoolSocket {
 public:
  /// The socket is absent when a sandbox forbids it; then all answers are.
  EthtoolSocket();
  ~EthtoolSocket();
  EthtoolSocket(const EthtoolSocket&) = delete;
  EthtoolSocket& operator=(const EthtoolSocket&) = delete;

  /// What the link can do and offers, of the first 32 link modes (ETHTOOL_GSET).
  std::optional<ethtool_cmd> link(const std::string& device) const;
  /// Which driver it is (ETHTOOL_GDRVINFO).
  std::optional<ethtool_drvinfo> driver(const std::string& device) const;
  using Statistics = std::vector<std::pair<std::string, std::uint64_t>>;
  /// The driver's own statistics, of which it has so many (ethtool_drvinfo::n_stats), each with its
  /// name (ETHTOOL_GSTATS).
  Statistics statistics(const std::string& device, std::uint32_t count) const;

 private:
  bool ask(const std::string& device, void* question) const;

  int socket_;
};

}  // namespace exporter::host
