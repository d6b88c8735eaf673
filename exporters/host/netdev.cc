#include <unordered_map>

#include "common/base/error.h"
#include "exporters/host/addresses.h"
#include "exporters/host/links.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

consteval Metric<1> statistic(std::string_view name, std::string_view help) {
  return counter(name, help, "device");
}

/// The names to which a statistic applies: the columns of /proc/net/dev, or the kernel's own
/// statistics, of which some columns are sums.
enum class Names { both, plain, detailed };

struct Statistic {
  Metric<1> metric;
  Names names;
  std::string_view file;  ///< below /sys/class/net/<device>/statistics/
};

/// The columns of /proc/net/dev in their order, and then statistics that it lacks.
constexpr std::size_t kColumns = 16, kPlain = kColumns + 1;
constexpr Statistic kStatistics[] = {
    {statistic("node_network_receive_bytes_total", "Network device statistic receive_bytes."),
     Names::both, "rx_bytes"},
    {statistic("node_network_receive_packets_total", "Network device statistic receive_packets."),
     Names::both, "rx_packets"},
    {statistic("node_network_receive_errs_total", "Network device statistic receive_errs."),
     Names::plain, ""},
    {statistic("node_network_receive_drop_total", "Network device statistic receive_drop."),
     Names::plain, ""},
    {statistic("node_network_receive_fifo_total", "Network device statistic receive_fifo."),
     Names::plain, ""},
    {statistic("node_network_receive_frame_total", "Network device statistic receive_frame."),
     Names::plain, ""},
    {statistic("node_network_receive_compressed_total",
               "Network device statistic receive_compressed."),
     Names::both, "rx_compressed"},
    {statistic("node_network_receive_multicast_total",
               "Network device statistic receive_multicast."),
     Names::plain, ""},
    {statistic("node_network_transmit_bytes_total", "Network device statistic transmit_bytes."),
     Names::both, "tx_bytes"},
    {statistic("node_network_transmit_packets_total", "Network device statistic transmit_packets."),
     Names::both, "tx_packets"},
    {statistic("node_network_transmit_errs_total", "Network device statistic transmit_errs."),
     Names::plain, ""},
    {statistic("node_network_transmit_drop_total", "Network device statistic transmit_drop."),
     Names::plain, ""},
    {statistic("node_network_transmit_fifo_total", "Network device statistic transmit_fifo."),
     Names::plain, ""},
    {statistic("node_network_transmit_colls_total", "Network device statistic transmit_colls."),
     Names::plain, ""},
    {statistic("node_network_transmit_carrier_total", "Network device statistic transmit_carrier."),
     Names::plain, ""},
    {statistic("node_network_transmit_compressed_total",
               "Network device statistic transmit_compressed."),
     Names::both, "tx_compressed"},
    {statistic("node_network_receive_nohandler_total",
               "Network device statistic receive_nohandler."),
     Names::both, "rx_nohandler"},
    {statistic("node_network_receive_errors_total", "Network device statistic receive_errors."),
     Names::detailed, "rx_errors"},
    {statistic("node_network_receive_dropped_total", "Network device statistic receive_dropped."),
     Names::detailed, "rx_dropped"},
    {statistic("node_network_multicast_total", "Network device statistic multicast."),
     Names::detailed, "multicast"},
    {statistic("node_network_receive_length_errors_total",
               "Network device statistic receive_length_errors."),
     Names::detailed, "rx_length_errors"},
    {statistic("node_network_receive_over_errors_total",
               "Network device statistic receive_over_errors."),
     Names::detailed, "rx_over_errors"},
    {statistic("node_network_receive_crc_errors_total",
               "Network device statistic receive_crc_errors."),
     Names::detailed, "rx_crc_errors"},
    {statistic("node_network_receive_frame_errors_total",
               "Network device statistic receive_frame_errors."),
     Names::detailed, "rx_frame_errors"},
    {statistic("node_network_receive_fifo_errors_total",
               "Network device statistic receive_fifo_errors."),
     Names::detailed, "rx_fifo_errors"},
    {statistic("node_network_receive_missed_errors_total",
               "Network device statistic receive_missed_errors."),
     Names::detailed, "rx_missed_errors"},
    {statistic("node_network_transmit_errors_total", "Network device statistic transmit_errors."),
     Names::detailed, "tx_errors"},
    {statistic("node_network_transmit_dropped_total", "Network device statistic transmit_dropped."),
     Names::detailed, "tx_dropped"},
    {statistic("node_network_collisions_total", "Network device statistic collisions."),
     Names::detailed, "collisions"},
    {statistic("node_network_transmit_aborted_errors_total",
               "Network device statistic transmit_aborted_errors."),
     Names::detailed, "tx_aborted_errors"},
    {statistic("node_network_transmit_carrier_errors_total",
               "Network device statistic transmit_carrier_errors."),
     Names::detailed, "tx_carrier_errors"},
    {statistic("node_network_transmit_fifo_errors_total",
               "Network device statistic transmit_fifo_errors."),
     Names::detailed, "tx_fifo_errors"},
    {statistic("node_network_transmit_heartbeat_errors_total",
               "Network device statistic transmit_heartbeat_errors."),
     Names::detailed, "tx_heartbeat_errors"},
    {statistic("node_network_transmit_window_errors_total",
               "Network device statistic transmit_window_errors."),
     Names::detailed, "tx_window_errors"},
};
/// The counters that /proc/net/dev shows (dev_seq_printf_stats() in Linux), and then those received
/// without a handler.
std::array<double, kPlain> plain_columns(const rtnl_link_stats64& of) {
  const auto sum = [](auto... counters) { return static_cast<double>((counters + ...)); };
  return {
      sum(of.rx_bytes),
      sum(of.rx_packets),
      sum(of.rx_errors),
      sum(of.rx_dropped, of.rx_missed_errors),
      sum(of.rx_fifo_errors),
      sum(of.rx_length_errors, of.rx_over_errors, of.rx_crc_errors, of.rx_frame_errors),
      sum(of.rx_compressed),
      sum(of.multicast),
      sum(of.tx_bytes),
      sum(of.tx_packets),
      sum(of.tx_errors),
      sum(of.tx_dropped),
      sum(of.tx_fifo_errors),
      sum(of.collisions),
      sum(of.tx_carrier_errors, of.tx_aborted_errors, of.tx_window_errors, of.tx_heartbeat_errors),
      sum(of.tx_compressed),
      sum(of.rx_nohandler)};
}

/// False if the kernel does not support the request, or a sandbox forbids netlink.
bool tells_counters(Links& links) {
  try {
    link_counters(links.netlink());
    return true;
  } catch (const Error&) {
    return false;
  }
}

constexpr auto kAddress = info("node_network_address_info", "Node network address by device.",
                               "device", "address", "netmask", "scope");
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kStatistics) + 1> metrics{kAddress};
  std::ranges::copy(families(kStatistics), metrics.begin() + 1);
  return metrics;
}();

constexpr Flag kInclude{"collector.netdev.device-include", "",
                        "Regexp of net devices to include (not together with device-exclude).",
                        Flag::Kind::value, "collector.netdev.device-whitelist"};
constexpr Flag kExclude{"collector.netdev.device-exclude", "",
                        "Regexp of net devices to exclude (not together with device-include).",
                        Flag::Kind::value, "collector.netdev.device-blacklist"};
constexpr Flag kAddressInfo{"collector.netdev.address-info", "false",
                            "Collect the addresses of every device.", Flag::Kind::boolean};
constexpr Flag kDetailed{"collector.netdev.enable-detailed-metrics", "false",
                         "Use the (incompatible) names of the kernel's own statistics.",
                         Flag::Kind::boolean};
constexpr Flag kLabelAlias{"collector.netdev.label-ifalias", "false", "Add the label ifalias.",
                           Flag::Kind::boolean};
constexpr Flag kNetlink{
    "collector.netdev.netlink", "true",
    "Accepted for compatibility with node_exporter; the values are the same either way.",
    Flag::Kind::boolean};
constexpr Flag kFlags[] = {kInclude, kExclude, kAddressInfo, kDetailed, kLabelAlias, kNetlink};

/// Uses netlink if that shows the host's network: printing, reading and parsing the numbers of a
/// device costs several times as much.
class Netdev {
 public:
  explicit Netdev(const Host& host)
      : proc_(host.proc()),
        sys_(host.sys()),
        path_(host.network("dev")),
        filter_(host.settings, kInclude.name, kExclude.name),
        address_info_(host.settings.enabled(kAddressInfo.name) && host.own_network()),
        detailed_(host.settings.enabled(kDetailed.name)),
        label_alias_(host.settings.enabled(kLabelAlias.name)),
        by_netlink_(!detailed_ && host.own_network() && tells_counters(links_)) {
    host.settings.at_most_one_of(kInclude.name, kExclude.name);
  }

  void collect(Samples& samples, const Deadline&) {
    if (by_netlink_) {
      ask_devices(samples);
    } else {
      read_devices(samples);
    }
    if (!address_info_) return;
    for (const auto& [device, address, prefix_length, scope] : addresses()) {
      if (!filter_.passes(device)) continue;
      samples.add(kAddress, 1, device, address, std::to_string(prefix_length), scope);
    }
  }

 private:
  void ask_devices(Samples& samples) {
    if (links_.refresh()) names_.clear();
    if (names_.empty()) {
      for (const auto& link : links_.all()) names_.emplace(link.index.value_or(0), link.name);
    }
    for (const auto& [index, counters] : link_counters(links_.netlink())) {
      // A device that was just added is on the next page.
      const auto name = names_.find(index);
      if (name == names_.end() || !filter_.passes(name->second)) continue;
      const auto alias = alias_of(name->second);
      const auto columns = plain_columns(counters);
      std::size_t column = 0;
      for (const auto& [metric, names, file] : kStatistics) {
        if (names != Names::detailed) add(samples, metric, columns[column++], name->second, alias);
      }
    }
  }

  void read_devices(Samples& samples) {
    const auto text = proc_.read_filled(path_);
    Lines lines(proc_.path(path_), text.value_or(""));
    std::string_view line;
    lines.next(line);  // two header lines
    lines.next(line);
    while (lines.next(line)) {
      const auto colon = line.rfind(':');
      if (colon == std::string_view::npos) lines.fail("expected a device and a colon");
      const auto device = trim(line.substr(0, colon));
      if (filter_.passes(device)) add_device(samples, lines, device, line.substr(colon + 1));
    }
  }

  void add_device(Samples& samples, const Lines& lines, std::string_view device,
                  std::string_view columns) {
    const auto directory = "class/net/" + std::string(device) + '/';
    const auto alias = alias_of(device);
    for (std::size_t i = 0; i < std::size(kStatistics); ++i) {
      const auto& [metric, names, file] = kStatistics[i];
      if (names == (detailed_ ? Names::plain : Names::detailed)) continue;
      const auto value = i < kColumns && !detailed_
                             ? lines.number(next_word(columns))
                             : sys_.number(directory + "statistics/" + std::string(file));
      if (value) add(samples, metric, *value, device, alias);
    }
  }

  std::string alias_of(std::string_view device) {
    if (!label_alias_) return {};
    return std::string(sys_.line("class/net/" + std::string(device) + "/ifalias").value_or(""));
  }

  void add(Samples& samples, const Metric<1>& metric, double value, std::string_view device,
           std::string_view alias) const {
    static constexpr std::string_view kNames[] = {"device", "ifalias"};
    const std::string_view labels[] = {device, alias};
    const std::size_t count = label_alias_ ? 2 : 1;
    samples.add({metric.type, metric.name, metric.help, std::span(kNames).first(count)}, value,
                std::span(labels).first(count));
  }

  Files proc_, sys_;
  std::string path_;
  Filter filter_;
  bool address_info_, detailed_, label_alias_;
  Links links_;
  bool by_netlink_;
  std::unordered_map<std::int64_t, std::string> names_;  ///< of the devices, by their index
};

}  // namespace

extern constinit const Module kNetdev{"netdev", Module::Default::on, kMetrics, kFlags,
                                      make<Netdev>};

}  // namespace exporter::host
