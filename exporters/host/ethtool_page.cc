#include "exporters/host/ethtool_page.h"

#include <algorithm>
#include <map>
#include <utility>

namespace exporter::host::ethtool {
namespace {

/// A statistic that many drivers have, with its own name and help text.
struct Common {
  std::string_view statistic, name, help;
};
constexpr Common kCommon[] = {
    {"rx_bytes", "node_ethtool_received_bytes_total", "Network interface bytes received"},
    {"rx_dropped", "node_ethtool_received_dropped_total", "Number of received frames dropped"},
    {"rx_errors", "node_ethtool_received_errors_total", "Number of received frames with errors"},
    {"rx_packets", "node_ethtool_received_packets_total", "Network interface packets received"},
    {"tx_bytes", "node_ethtool_transmitted_bytes_total", "Network interface bytes sent"},
    {"tx_errors", "node_ethtool_transmitted_errors_total", "Number of sent frames with errors"},
    {"tx_packets", "node_ethtool_transmitted_packets_total", "Network interface packets sent"},
};
constexpr double kBytesOfMegabit = 1e6 / 8;

/// The speed of one of the first 32 link modes (enum ethtool_link_mode_bit_indices).
struct Speed {
  unsigned bit;
  int megabits;
  std::string_view duplex, kind;
};
constexpr Speed kSpeeds[] = {
    {ETHTOOL_LINK_MODE_10baseT_Half_BIT, 10, "half", "T"},
    {ETHTOOL_LINK_MODE_10baseT_Full_BIT, 10, "full", "T"},
    {ETHTOOL_LINK_MODE_100baseT_Half_BIT, 100, "half", "T"},
    {ETHTOOL_LINK_MODE_100baseT_Full_BIT, 100, "full", "T"},
    {ETHTOOL_LINK_MODE_1000baseT_Half_BIT, 1000, "half", "T"},
    {ETHTOOL_LINK_MODE_1000baseT_Full_BIT, 1000, "full", "T"},
    {ETHTOOL_LINK_MODE_10000baseT_Full_BIT, 10000, "full", "T"},
    {ETHTOOL_LINK_MODE_1000baseKX_Full_BIT, 1000, "full", "KX"},
    {ETHTOOL_LINK_MODE_10000baseKX4_Full_BIT, 10000, "full", "KX4"},
    {ETHTOOL_LINK_MODE_10000baseKR_Full_BIT, 10000, "full", "KR"},
    {ETHTOOL_LINK_MODE_10000baseR_FEC_BIT, 10000, "full", "R_FEC"},
    {ETHTOOL_LINK_MODE_20000baseMLD2_Full_BIT, 20000, "full", "MLD2"},
    {ETHTOOL_LINK_MODE_20000baseKR2_Full_BIT, 20000, "full", "KR2"},
    {ETHTOOL_LINK_MODE_40000baseKR4_Full_BIT, 40000, "full", "KR4"},
    {ETHTOOL_LINK_MODE_40000baseCR4_Full_BIT, 40000, "full", "CR4"},
    {ETHTOOL_LINK_MODE_40000baseSR4_Full_BIT, 40000, "full", "SR4"},
    {ETHTOOL_LINK_MODE_40000baseLR4_Full_BIT, 40000, "full", "LR4"},
    {ETHTOOL_LINK_MODE_56000baseKR4_Full_BIT, 56000, "full", "KR4"},
    {ETHTOOL_LINK_MODE_56000baseCR4_Full_BIT, 56000, "full", "CR4"},
    {ETHTOOL_LINK_MODE_56000baseSR4_Full_BIT, 56000, "full", "SR4"},
    {ETHTOOL_LINK_MODE_56000baseLR4_Full_BIT, 56000, "full", "LR4"},
    {ETHTOOL_LINK_MODE_25000baseCR_Full_BIT, 25000, "full", "CR"},
};

constexpr std::pair<unsigned, std::string_view> kPorts[] = {
    {ETHTOOL_LINK_MODE_TP_BIT, "TP"},   {ETHTOOL_LINK_MODE_AUI_BIT, "AUI"},
    {ETHTOOL_LINK_MODE_MII_BIT, "MII"}, {ETHTOOL_LINK_MODE_FIBRE_BIT, "FIBRE"},
    {ETHTOOL_LINK_MODE_BNC_BIT, "BNC"}, {ETHTOOL_LINK_MODE_Backplane_BIT, "Backplane"},
};

double has(std::uint32_t modes, unsigned bit) { return (modes >> bit) & 1; }

template <std::size_t N>
std::string_view text_of(const char (&text)[N]) {
  const std::string_view all(text, N);
  return all.substr(0, all.find('\0'));
}

std::string sanitized(std::string_view statistic) {
  std::string plain;
  for (const char c : statistic) {
    plain += valid_label_name(std::string_view(&c, 1)) || (c >= '0' && c <= '9') ? c : '_';
  }
  return plain;
}

/// "queue_0_rx_bytes" becomes node_ethtool_queue_0_received_bytes. Of two consecutive words, as in
/// "tx_tx_timeouts", the first is spelled out.
std::string metric_name(std::string_view statistic) {
  const auto lower = to_lower(statistic);
  std::string_view rest = lower, spelt_out;
  rest.remove_prefix(std::min(rest.find_first_not_of('_'), rest.size()));
  std::string name = "node_ethtool";
  for (bool more = true; more;) {
    more = rest.find('_') != rest.npos;
    const auto word = next_part(rest, '_');
    const bool is_direction = (word == "rx" || word == "tx") && word != spelt_out;
    spelt_out = is_direction ? word : std::string_view();
    name.append("_").append(!is_direction ? word : word == "rx" ? "received" : "transmitted");
  }
  return name;
}

void add_modes(Samples& samples, const Modes& metrics, const std::string& device,
               std::uint32_t modes) {
  for (const auto& [bit, megabits, duplex, kind] : kSpeeds) {
    if (has(modes, bit) == 0) continue;
    samples.add(metrics.speed, megabits * kBytesOfMegabit, device, duplex,
                std::to_string(megabits).append("base").append(kind));
  }
  samples.add(metrics.autonegotiate, has(modes, ETHTOOL_LINK_MODE_Autoneg_BIT), device);
  samples.add(metrics.pause, has(modes, ETHTOOL_LINK_MODE_Pause_BIT), device);
  samples.add(metrics.asymmetric_pause, has(modes, ETHTOOL_LINK_MODE_Asym_Pause_BIT), device);
}

}  // namespace

void add_link(Samples& samples, const std::string& device, const ethtool_cmd& link) {
  add_modes(samples, kSupported, device, link.supported);
  add_modes(samples, kAdvertised, device, link.advertising);
  for (const auto& [bit, type] : kPorts) {
    if (has(link.supported, bit) != 0) samples.add(kPort, 1, device, type);
  }
  samples.add(kAutonegotiate, link.autoneg, device);
}

void add_driver(Samples& samples, const std::string& device, const ethtool_drvinfo& driver) {
  samples.add(kInfo, 1, text_of(driver.bus_info), device, text_of(driver.driver),
              text_of(driver.erom_version), text_of(driver.fw_version), text_of(driver.version));
}

void add_statistics(Samples& samples, const std::string& device,
                    const EthtoolSocket::Statistics& statistics, const Filter& shown) {
  struct Statistic {
    std::string name;
    double value = 0;
    int count = 0;
  };
  std::map<std::string, Statistic> all;
  for (const auto& [name, value] : statistics) {
    const auto plain = sanitized(name);
    if (!shown.passes(plain)) continue;
    auto& statistic = all[metric_name(plain)];
    statistic = {plain, static_cast<double>(value), statistic.count + 1};
  }
  for (const auto& [name, statistic] : all) {
    if (statistic.count > 1) continue;
    const auto common = std::ranges::find(kCommon, statistic.name, &Common::statistic);
    const bool is_common = common != std::end(kCommon);
    const auto help = "Network interface " + statistic.name;
    samples.add_named(MetricType::untyped, is_common ? common->name : name,
                      is_common ? common->help : help, statistic.value, {{"device", device}});
  }
}

}  // namespace exporter::host::ethtool
