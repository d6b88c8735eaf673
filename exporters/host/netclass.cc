#include <net/if.h>

#include "common/base/error.h"
#include "exporters/host/links.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kUp =
    gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise.", "device");
constexpr auto kInfo =
    info("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
         "device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias");
constexpr auto kSpeed =
    gauge("node_network_speed_bytes", "Network device property: speed_bytes", "device");

/// A number, its file in the device's directory in /sys/class/net, and whether netlink has it.
struct Property {
  Metric<1> metric;
  std::string_view file;
  Link::Number Link::*number;
  bool told = true;
};

constexpr Property kProperties[] = {
    {gauge("node_network_address_assign_type", "Network device property: address_assign_type",
           "device"),
     "addr_assign_type", &Link::address_assignment, false},
    {gauge("node_network_carrier", "Network device property: carrier", "device"), "carrier",
     &Link::carrier},
    {counter("node_network_carrier_changes_total", "Network device property: carrier_changes_total",
             "device"),
     "carrier_changes", &Link::carrier_changes},
    {counter("node_network_carrier_up_changes_total",
             "Network device property: carrier_up_changes_total", "device"),
     "carrier_up_count", &Link::carrier_ups},
    {counter("node_network_carrier_down_changes_total",
             "Network device property: carrier_down_changes_total", "device"),
     "carrier_down_count", &Link::carrier_downs},
    {gauge("node_network_device_id", "Network device property: device_id", "device"), "dev_id",
     &Link::device_id, false},
    {gauge("node_network_dormant", "Network device property: dormant", "device"), "dormant",
     &Link::dormant},
    {gauge("node_network_flags", "Network device property: flags", "device"), "flags", &Link::flags,
     false},
    {gauge("node_network_iface_id", "Network device property: iface_id", "device"), "ifindex",
     &Link::index},
    {gauge("node_network_iface_link", "Network device property: iface_link", "device"), "iflink",
     &Link::link},
    {gauge("node_network_iface_link_mode", "Network device property: iface_link_mode", "device"),
     "link_mode", &Link::mode},
    {gauge("node_network_mtu_bytes", "Network device property: mtu_bytes", "device"), "mtu",
     &Link::mtu},
    {gauge("node_network_name_assign_type", "Network device property: name_assign_type", "device"),
     "name_assign_type", &Link::name_assignment, false},
    {gauge("node_network_net_dev_group", "Network device property: net_dev_group", "device"),
     "netdev_group", &Link::group},
    {gauge("node_network_transmit_queue_length", "Network device property: transmit_queue_length",
           "device"),
     "tx_queue_len", &Link::queue_length},
    {gauge("node_network_protocol_type", "Network device property: protocol_type", "device"),
     "type", &Link::type},
};
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kProperties) + 3> metrics{kUp, kInfo, kSpeed};
  std::ranges::copy(families(kProperties), metrics.begin() + 3);
  return metrics;
}();

constexpr Flag kIgnored{"collector.netclass.ignored-devices", "^$",
                        "Regexp of net devices to ignore for netclass collector."};
constexpr Flag kIgnoreInvalid{"collector.netclass.ignore-invalid-speed", "false",
                              "Leave out the speed of devices that report a negative one.",
                              Flag::Kind::boolean};
constexpr Flag kNetlink{
    "collector.netclass.netlink", "false",
    "Accepted for compatibility with node_exporter; netlink is always used where possible.",
    Flag::Kind::boolean};
constexpr Flag kFlags[] = {kIgnored, kIgnoreInvalid, kNetlink};

/// Uses netlink if that shows the host's network, and reads files only for what it lacks. Nothing
/// is read again unless something has changed: reading all files of all devices at each scrape
/// would cost as much as many other collectors together, and 23 descriptors per device.
class Netclass {
 public:
  explicit Netclass(const Host& host)
      : sys_(host.sys()),
        filter_(host.settings, {}, kIgnored.name),
        by_netlink_(host.own_network() && told_.open()),
        ignore_invalid_speed_(host.settings.enabled(kIgnoreInvalid.name)) {}

  void collect(Samples& samples, const Deadline&) {
    if (!by_netlink_ || told_.refresh()) devices_.reset();
    if (!devices_) devices_ = by_netlink_ ? complete(told_.all()) : read_all();
    for (const auto& device : *devices_) add(samples, device);
  }

 private:
  /// Adds what netlink lacks.
  std::vector<Link> complete(std::vector<Link> devices) {
    std::erase_if(devices, [&](const Link& device) { return !filter_.passes(device.name); });
    for (auto& device : devices) read_untold(device);
    return devices;
  }

  std::vector<Link> read_all() {
    std::vector<Link> found;
    for (const auto& name : sys_.list("class/net")) {
      if (!filter_.passes(name)) continue;
      Link device;
      device.name = name;
      read_untold(device);
      device.state = text("operstate");
      device.address = text("address");
      device.broadcast = text("broadcast");
      device.alias = text("ifalias");
      for (const auto& property : kProperties) {
        if (property.told) device.*property.number = number(property.file);
      }
      // An entry without a state is a plain file, or was removed since it was listed.
      if (!device.state.empty()) found.push_back(std::move(device));
    }
    return found;
  }

  void read_untold(Link& device) {
    directory_ = "class/net/" + device.name + '/';
    device.duplex = text("duplex");
    device.speed = number("speed");
    for (const auto& property : kProperties) {
      if (!property.told) device.*property.number = number(property.file);
    }
  }

  void add(Samples& samples, const Link& device) const {
    const auto& flags = device.flags;
    const auto* admin_state = !flags ? "unknown" : (*flags & IFF_UP) != 0 ? "up" : "down";
    samples.add(kUp, device.state == "up" ? 1 : 0, device.name);
    samples.add(kInfo, 1, device.name, device.address, device.broadcast, device.duplex,
                device.state, admin_state, device.alias);
    for (const auto& [metric, file, value, told] : kProperties) {
      if (device.*value) samples.add(metric, static_cast<double>(*(device.*value)), device.name);
    }
    const auto& megabits = device.speed;
    if (megabits && (*megabits >= 0 || !ignore_invalid_speed_)) {
      samples.add(kSpeed, static_cast<double>(*megabits) * 1e6 / 8, device.name);
    }
  }

  std::string text(std::string_view file) {
    return std::string(sys_.line(directory_ + std::string(file)).value_or(""));
  }

  /// A decimal or, after "0x", hexadecimal number.
  Link::Number number(std::string_view file) {
    const auto path = directory_ + std::string(file);
    auto text = sys_.line(path);
    if (!text || text->empty()) return std::nullopt;
    const bool hexadecimal = text->starts_with("0x");
    if (hexadecimal) text->remove_prefix(2);
    const auto value = parse_number<std::int64_t>(*text, hexadecimal ? 16 : 10);
    if (!value) throw Error(Reason::decode, sys_.path(path) + ":1: expected a number");
    return value;
  }

  Links told_;
  Files sys_;
  Filter filter_;
  bool by_netlink_, ignore_invalid_speed_;
  std::string directory_;
  std::optional<std::vector<Link>> devices_;  ///< nothing: must be read
};

}  // namespace

extern constinit const Module kNetclass{"netclass", Module::Default::on, kMetrics, kFlags,
                                        make<Netclass>};

}  // namespace exporter::host
