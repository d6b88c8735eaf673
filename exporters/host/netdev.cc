#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "exporters/host/addresses.h"
#include "exporters/host/collectors.h"
#include "exporters/host/device_filter.h"
#include "exporters/host/netlink.h"

namespace exporter::host {
namespace {

using Stats = rtnl_link_stats64;

consteval Metric<1> statistic(std::string_view name, std::string_view help) {
  return counter(name, help, "device");
}

/// Which names: those of the columns of /proc/net/dev, or those of the kernel's own statistics, of
/// which some columns are sums.
enum class Names { both, plain, detailed };

struct Statistic {
  Metric<1> metric;
  Names names;
  std::array<__u64 Stats::*, 4> sum;
  std::string_view file;  ///< below /sys/class/net/<device>/statistics/; a column has none
};

/// The columns of /proc/net/dev in their order, and then what only sysfs and netlink tell.
constexpr std::size_t kColumns = 16;
constexpr Statistic kStatistics[] = {
    {statistic("node_network_receive_bytes_total", "Network device statistic receive_bytes."),
     Names::both,
     {&Stats::rx_bytes},
     "rx_bytes"},
    {statistic("node_network_receive_packets_total", "Network device statistic receive_packets."),
     Names::both,
     {&Stats::rx_packets},
     "rx_packets"},
    {statistic("node_network_receive_errs_total", "Network device statistic receive_errs."),
     Names::plain,
     {&Stats::rx_errors},
     ""},
    {statistic("node_network_receive_drop_total", "Network device statistic receive_drop."),
     Names::plain,
     {&Stats::rx_dropped, &Stats::rx_missed_errors},
     ""},
    {statistic("node_network_receive_fifo_total", "Network device statistic receive_fifo."),
     Names::plain,
     {&Stats::rx_fifo_errors},
     ""},
    {statistic("node_network_receive_frame_total", "Network device statistic receive_frame."),
     Names::plain,
     {&Stats::rx_frame_errors, &Stats::rx_length_errors, &Stats::rx_over_errors,
      &Stats::rx_crc_errors},
     ""},
    {statistic("node_network_receive_compressed_total",
               "Network device statistic receive_compressed."),
     Names::both,
     {&Stats::rx_compressed},
     "rx_compressed"},
    {statistic("node_network_receive_multicast_total",
               "Network device statistic receive_multicast."),
     Names::plain,
     {&Stats::multicast},
     ""},
    {statistic("node_network_transmit_bytes_total", "Network device statistic transmit_bytes."),
     Names::both,
     {&Stats::tx_bytes},
     "tx_bytes"},
    {statistic("node_network_transmit_packets_total", "Network device statistic transmit_packets."),
     Names::both,
     {&Stats::tx_packets},
     "tx_packets"},
    {statistic("node_network_transmit_errs_total", "Network device statistic transmit_errs."),
     Names::plain,
     {&Stats::tx_errors},
     ""},
    {statistic("node_network_transmit_drop_total", "Network device statistic transmit_drop."),
     Names::plain,
     {&Stats::tx_dropped},
     ""},
    {statistic("node_network_transmit_fifo_total", "Network device statistic transmit_fifo."),
     Names::plain,
     {&Stats::tx_fifo_errors},
     ""},
    {statistic("node_network_transmit_colls_total", "Network device statistic transmit_colls."),
     Names::plain,
     {&Stats::collisions},
     ""},
    {statistic("node_network_transmit_carrier_total", "Network device statistic transmit_carrier."),
     Names::plain,
     {&Stats::tx_carrier_errors, &Stats::tx_aborted_errors, &Stats::tx_heartbeat_errors,
      &Stats::tx_window_errors},
     ""},
    {statistic("node_network_transmit_compressed_total",
               "Network device statistic transmit_compressed."),
     Names::both,
     {&Stats::tx_compressed},
     "tx_compressed"},
    {statistic("node_network_receive_nohandler_total",
               "Network device statistic receive_nohandler."),
     Names::both,
     {&Stats::rx_nohandler},
     "rx_nohandler"},
    {statistic("node_network_receive_errors_total", "Network device statistic receive_errors."),
     Names::detailed,
     {&Stats::rx_errors},
     "rx_errors"},
    {statistic("node_network_receive_dropped_total", "Network device statistic receive_dropped."),
     Names::detailed,
     {&Stats::rx_dropped},
     "rx_dropped"},
    {statistic("node_network_multicast_total", "Network device statistic multicast."),
     Names::detailed,
     {&Stats::multicast},
     "multicast"},
    {statistic("node_network_receive_length_errors_total",
               "Network device statistic receive_length_errors."),
     Names::detailed,
     {&Stats::rx_length_errors},
     "rx_length_errors"},
    {statistic("node_network_receive_over_errors_total",
               "Network device statistic receive_over_errors."),
     Names::detailed,
     {&Stats::rx_over_errors},
     "rx_over_errors"},
    {statistic("node_network_receive_crc_errors_total",
               "Network device statistic receive_crc_errors."),
     Names::detailed,
     {&Stats::rx_crc_errors},
     "rx_crc_errors"},
    {statistic("node_network_receive_frame_errors_total",
               "Network device statistic receive_frame_errors."),
     Names::detailed,
     {&Stats::rx_frame_errors},
     "rx_frame_errors"},
    {statistic("node_network_receive_fifo_errors_total",
               "Network device statistic receive_fifo_errors."),
     Names::detailed,
     {&Stats::rx_fifo_errors},
     "rx_fifo_errors"},
    {statistic("node_network_receive_missed_errors_total",
               "Network device statistic receive_missed_errors."),
     Names::detailed,
     {&Stats::rx_missed_errors},
     "rx_missed_errors"},
    {statistic("node_network_transmit_errors_total", "Network device statistic transmit_errors."),
     Names::detailed,
     {&Stats::tx_errors},
     "tx_errors"},
    {statistic("node_network_transmit_dropped_total", "Network device statistic transmit_dropped."),
     Names::detailed,
     {&Stats::tx_dropped},
     "tx_dropped"},
    {statistic("node_network_collisions_total", "Network device statistic collisions."),
     Names::detailed,
     {&Stats::collisions},
     "collisions"},
    {statistic("node_network_transmit_aborted_errors_total",
               "Network device statistic transmit_aborted_errors."),
     Names::detailed,
     {&Stats::tx_aborted_errors},
     "tx_aborted_errors"},
    {statistic("node_network_transmit_carrier_errors_total",
               "Network device statistic transmit_carrier_errors."),
     Names::detailed,
     {&Stats::tx_carrier_errors},
     "tx_carrier_errors"},
    {statistic("node_network_transmit_fifo_errors_total",
               "Network device statistic transmit_fifo_errors."),
     Names::detailed,
     {&Stats::tx_fifo_errors},
     "tx_fifo_errors"},
    {statistic("node_network_transmit_heartbeat_errors_total",
               "Network device statistic transmit_heartbeat_errors."),
     Names::detailed,
     {&Stats::tx_heartbeat_errors},
     "tx_heartbeat_errors"},
    {statistic("node_network_transmit_window_errors_total",
               "Network device statistic transmit_window_errors."),
     Names::detailed,
     {&Stats::tx_window_errors},
     "tx_window_errors"},
};
constexpr auto kAddress = info("node_network_address_info", "Node network address by device.",
                               "device", "address", "netmask", "scope");
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kStatistics) + 1> metrics{kAddress};
  std::ranges::copy(families(kStatistics), metrics.begin() + 1);
  return metrics;
}();

constexpr Flag kInclude{"collector.netdev.device-include", "",
                        "Regexp of net devices to include (not together with device-exclude)."};
constexpr Flag kExclude{"collector.netdev.device-exclude", "",
                        "Regexp of net devices to exclude (not together with device-include)."};
constexpr Flag kAddressInfo{"collector.netdev.address-info", "false",
                            "Collect the addresses of every device.", Flag::Kind::boolean};
constexpr Flag kDetailed{"collector.netdev.enable-detailed-metrics", "false",
                         "Use the (incompatible) names of the kernel's own statistics.",
                         Flag::Kind::boolean};
constexpr Flag kLabelAlias{"collector.netdev.label-ifalias", "false", "Add the label ifalias.",
                           Flag::Kind::boolean};
constexpr Flag kNetlink{"collector.netdev.netlink", "true",
                        "Ask by netlink, where it can tell, instead of reading /proc/net/dev.",
                        Flag::Kind::boolean};
constexpr Flag kFlags[] = {kInclude, kExclude, kAddressInfo, kDetailed, kLabelAlias, kNetlink};

struct Device {
  std::string name;
  Stats stats;  ///< with a sum of /proc/net/dev in its first field
};

class Netdev {
 public:
  explicit Netdev(const Host& host)
      : proc_(host.proc()),
        sys_(host.sys()),
        path_(host.self() + "/net/dev"),
        filter_(device_filter(host.settings, kInclude, kExclude)),
        own_network_(host.own_network()),
        by_netlink_(host.settings.enabled(kNetlink.name) && own_network_),
        address_info_(host.settings.enabled(kAddressInfo.name) && own_network_),
        detailed_(host.settings.enabled(kDetailed.name)),
        label_alias_(host.settings.enabled(kLabelAlias.name)) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& device : by_netlink_ ? ask() : read()) write(samples, device);
    if (!address_info_) return;
    for (const auto& [device, address, prefix_length, scope] : addresses()) {
      if (!filter_.passes(device)) continue;
      samples.add(kAddress, 1, device, address, std::to_string(prefix_length), scope);
    }
  }

 private:
  std::vector<Device> ask() {
    std::vector<Device> devices;
    netlink_.dump(RTM_GETLINK, ifinfomsg{}, [&](auto type, auto body) {
      if (type != RTM_NEWLINK || body.size() < sizeof(ifinfomsg)) return;
      Device device{};
      bool has_stats = false;
      for_each_attribute(body.subspan(sizeof(ifinfomsg)), [&](auto attribute, auto content) {
        if (attribute == IFLA_IFNAME) device.name = text_at(content);
        if (attribute != IFLA_STATS64) return;
        device.stats = struct_at<Stats>(content);
        has_stats = true;
      });
      if (has_stats && filter_.passes(device.name)) devices.push_back(std::move(device));
    });
    return devices;
  }

  std::vector<Device> read() {
    std::vector<Device> devices;
    const auto text = proc_.read(path_);
    Lines lines(proc_.path(path_), text.value_or(""));
    std::string_view line;
    lines.next(line);  // two lines of headings
    lines.next(line);
    while (lines.next(line)) {
      const auto colon = line.rfind(':');
      if (colon == std::string_view::npos) lines.fail("expected a device and a colon");
      Device device{std::string(trim(line.substr(0, colon))), {}};
      line.remove_prefix(colon + 1);
      for (const auto& column : std::span(kStatistics).first(kColumns)) {
        device.stats.*column.sum[0] = lines.integer(next_word(line));
      }
      if (filter_.passes(device.name)) devices.push_back(std::move(device));
    }
    return devices;
  }

  void write(Samples& samples, const Device& device) {
    const auto folder = "class/net/" + device.name + '/';
    const std::string_view names[] = {"device", "ifalias"};
    const std::size_t label_count = label_alias_ ? 2 : 1;
    const std::string alias(label_alias_ ? sys_.line(folder + "ifalias").value_or("") : "");
    const std::string_view labels[] = {device.name, alias};
    for (std::size_t i = 0; i < std::size(kStatistics); ++i) {
      const auto& row = kStatistics[i];
      if (row.names == (detailed_ ? Names::plain : Names::detailed)) continue;
      const bool known = by_netlink_ || (!detailed_ && i < kColumns);
      const auto value = known ? sum(device.stats, row)
                               : sys_.number(folder + "statistics/" + std::string(row.file));
      if (!value) continue;
      samples.add(
          {row.metric.type, row.metric.name, row.metric.help, std::span(names).first(label_count)},
          *value, std::span(labels).first(label_count));
    }
  }

  static std::optional<double> sum(const Stats& stats, const Statistic& row) {
    __u64 sum = 0;
    for (const auto field : row.sum) sum += field != nullptr ? stats.*field : 0;
    return static_cast<double>(sum);
  }

  Netlink netlink_{NETLINK_ROUTE};
  Files proc_, sys_;
  std::string path_;
  Filter filter_;
  bool own_network_, by_netlink_, address_info_, detailed_, label_alias_;
};

}  // namespace

constinit const Module kNetdev{"netdev", Module::Default::on, kMetrics, kFlags, make<Netdev>};

}  // namespace exporter::host
