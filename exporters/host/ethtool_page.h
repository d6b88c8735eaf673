#pragma once

#include <string>
#include <vector>

#include "common/metric/samples.h"
#include "exporters/host/ethtool_socket.h"
#include "exporters/host/module.h"

/// Converts the replies of network drivers to samples.
namespace exporter::host::ethtool {

inline constexpr auto kInfo =
    info("node_ethtool_info",
         "A metric with a constant '1' value labeled by bus_info, device, driver, "
         "expansion_rom_version, firmware_version, version.",
         "bus_info", "device", "driver", "expansion_rom_version", "firmware_version", "version");
inline constexpr auto kPort =
    info("node_network_supported_port_info", "Type of ports or PHYs supported by network device",
         "device", "type");
inline constexpr auto kAutonegotiate =
    gauge("node_network_autonegotiate", "If this port is using autonegotiate", "device");

/// Supported and advertised modes have the same format.
struct Modes {
  Metric<3> speed;
  Metric<1> autonegotiate, pause, asymmetric_pause;
};
inline constexpr Modes kSupported{
    gauge("node_network_supported_speed_bytes",
          "Combination of speeds and features supported by network device", "device", "duplex",
          "mode"),
    gauge("node_network_autonegotiate_supported", "If this port device supports autonegotiate",
          "device"),
    gauge("node_network_pause_supported", "If this port device supports pause frames", "device"),
    gauge("node_network_asymmetricpause_supported",
          "If this port device supports asymmetric pause frames", "device")};
inline constexpr Modes kAdvertised{
    gauge("node_network_advertised_speed_bytes",
          "Combination of speeds and features offered by network device", "device", "duplex",
          "mode"),
    gauge("node_network_autonegotiate_advertised", "If this port device offers autonegotiate",
          "device"),
    gauge("node_network_pause_advertised", "If this port device offers pause capability", "device"),
    gauge("node_network_asymmetricpause_advertised",
          "If this port device offers asymmetric pause capability", "device")};

inline constexpr std::string_view kDevice[] = {"device"};
inline constexpr MetricView kMetrics[] = {
    kInfo,
    kPort,
    kAutonegotiate,
    kSupported.speed,
    kSupported.autonegotiate,
    kSupported.pause,
    kSupported.asymmetric_pause,
    kAdvertised.speed,
    kAdvertised.autonegotiate,
    kAdvertised.pause,
    kAdvertised.asymmetric_pause,
    {MetricType::untyped, "node_ethtool_<statistic>", "Network interface <statistic>", kDevice}};

/// Adds what the link supports and advertises.
void add_link(Samples& samples, const std::string& device, const ethtool_cmd& link);
/// Adds the driver.
void add_driver(Samples& samples, const std::string& device, const ethtool_drvinfo& driver);
/// Adds the statistics that `shown` accepts. Those whose names differ only in characters that
/// metric names cannot contain are left out.
void add_statistics(Samples& samples, const std::string& device,
                    const EthtoolSocket::Statistics& statistics, const Filter& shown);

}  // namespace exporter::host::ethtool
