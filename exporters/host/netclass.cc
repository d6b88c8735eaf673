#include <net/if.h>

#include "common/base/error.h"
#include "exporters/host/collectors.h"

namespace exporter::host {
namespace {

constexpr auto kUp =
    gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", "device");
constexpr auto kInfo =
    info("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
         "device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias");
constexpr auto kSpeed =
    gauge("node_network_speed_bytes", "Network device property: speed_bytes", "device");

/// A number, and its file in the device's folder of /sys/class/net.
struct Property {
  Metric<1> metric;
  std::string_view file;
};

constexpr Property kProperties[] = {
    {gauge("node_network_address_assign_type", "Network device property: address_assign_type",
           "device"),
     "addr_assign_type"},
    {gauge("node_network_carrier", "Network device property: carrier", "device"), "carrier"},
    {counter("node_network_carrier_changes_total", "Network device property: carrier_changes_total",
             "device"),
     "carrier_changes"},
    {counter("node_network_carrier_up_changes_total",
             "Network device property: carrier_up_changes_total", "device"),
     "carrier_up_count"},
    {counter("node_network_carrier_down_changes_total",
             "Network device property: carrier_down_changes_total", "device"),
     "carrier_down_count"},
    {gauge("node_network_device_id", "Network device property: device_id", "device"), "dev_id"},
    {gauge("node_network_dormant", "Network device property: dormant", "device"), "dormant"},
    {gauge("node_network_flags", "Network device property: flags", "device"), "flags"},
    {gauge("node_network_iface_id", "Network device property: iface_id", "device"), "ifindex"},
    {gauge("node_network_iface_link", "Network device property: iface_link", "device"), "iflink"},
    {gauge("node_network_iface_link_mode", "Network device property: iface_link_mode", "device"),
     "link_mode"},
    {gauge("node_network_mtu_bytes", "Network device property: mtu_bytes", "device"), "mtu"},
    {gauge("node_network_name_assign_type", "Network device property: name_assign_type", "device"),
     "name_assign_type"},
    {gauge("node_network_net_dev_group", "Network device property: net_dev_group", "device"),
     "netdev_group"},
    {gauge("node_network_transmit_queue_length", "Network device property: transmit_queue_length",
           "device"),
     "tx_queue_len"},
    {gauge("node_network_protocol_type", "Network device property: protocol_type", "device"),
     "type"},
};
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kProperties) + 3> metrics{kUp, kInfo, kSpeed};
  std::ranges::copy(families(kProperties), metrics.begin() + 3);
  return metrics;
}();

constexpr Flag kIgnored{"collector.netclass.ignored-devices", "^$",
                        "Regexp of net devices to ignore for netclass collector."};
constexpr Flag kIgnoreInvalid{"collector.netclass.ignore-invalid-speed", "false",
                              "Leave out the speed of devices that say a negative one.",
                              Flag::Kind::boolean};
constexpr Flag kFlags[] = {kIgnored, kIgnoreInvalid};

class Netclass {
 public:
  explicit Netclass(const Host& host)
      : sys_(host.sys()),
        filter_(host.settings, {}, kIgnored.name),
        ignore_invalid_speed_(host.settings.enabled(kIgnoreInvalid.name)) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& device : sys_.list("class/net")) {
      if (filter_.passes(device)) collect(samples, device);
    }
  }

 private:
  void collect(Samples& samples, const std::string& device) {
    folder_ = "class/net/" + device + '/';
    const auto state = text("operstate");
    if (!state) return;  // a plain file, or gone since it was listed
    const bool is_up = *state == "up";
    const auto flags = number("flags");
    const auto* admin_state = !flags ? "unknown" : (*flags & IFF_UP) != 0 ? "up" : "down";
    samples.add(kUp, is_up ? 1 : 0, device);
    samples.add(kInfo, 1, device, text("address").value_or(""), text("broadcast").value_or(""),
                text("duplex").value_or(""), *state, admin_state, text("ifalias").value_or(""));
    for (const auto& [metric, file] : kProperties) {
      if (const auto value = number(file)) samples.add(metric, static_cast<double>(*value), device);
    }
    const auto megabits = number("speed");
    if (megabits && (*megabits >= 0 || !ignore_invalid_speed_)) {
      samples.add(kSpeed, static_cast<double>(*megabits) * 1e6 / 8, device);
    }
  }

  /// A copy, since the next read takes the place of the last.
  std::optional<std::string> text(std::string_view file) {
    const auto line = sys_.line(folder_ + std::string(file));
    return line ? std::optional<std::string>(*line) : std::nullopt;
  }

  /// A decimal or, after "0x", hexadecimal number.
  std::optional<std::int64_t> number(std::string_view file) {
    const auto path = folder_ + std::string(file);
    auto text = sys_.line(path);
    if (!text || text->empty()) return std::nullopt;
    const bool hexadecimal = text->starts_with("0x");
    if (hexadecimal) text->remove_prefix(2);
    const auto value = parse_number<std::int64_t>(*text, hexadecimal ? 16 : 10);
    if (!value) throw Error(Reason::decode, sys_.path(path) + ":1: expected a number");
    return value;
  }

  Files sys_;
  Filter filter_;
  bool ignore_invalid_speed_;
  std::string folder_;
};

}  // namespace

constinit const Module kNetclass{"netclass", Module::Default::on, kMetrics, kFlags, make<Netclass>};

}  // namespace exporter::host
