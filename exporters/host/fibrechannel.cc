#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info(
    "node_fibrechannel_info", "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.",
    "fc_host", "speed", "port_state", "port_type", "port_id", "port_name", "fabric_name",
    "symbolic_name", "supported_classes", "supported_speeds", "dev_loss_tmo");

/// A count, and its file below the host's statistics, Documentation/scsi/scsi_fc_transport.rst.
struct Count {
  Metric<1> metric;
  std::string_view file;
};
constexpr Count kCounts[] = {
    {counter("node_fibrechannel_dumped_frames_total", "Number of dumped frames", "fc_host"),
     "dumped_frames"},
    {counter("node_fibrechannel_error_frames_total", "Number of errors in frames", "fc_host"),
     "error_frames"},
    {counter("node_fibrechannel_invalid_crc_total", "Invalid Cyclic Redundancy Check count",
             "fc_host"),
     "invalid_crc_count"},
    {counter("node_fibrechannel_rx_frames_total", "Number of frames received", "fc_host"),
     "rx_frames"},
    {counter("node_fibrechannel_rx_words_total", "Number of words received by host port",
             "fc_host"),
     "rx_words"},
    {counter("node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port",
             "fc_host"),
     "tx_frames"},
    {counter("node_fibrechannel_tx_words_total", "Number of words transmitted by host port",
             "fc_host"),
     "tx_words"},
    {counter("node_fibrechannel_seconds_since_last_reset_total",
             "Number of seconds since last host port reset", "fc_host"),
     "seconds_since_last_reset"},
    {counter("node_fibrechannel_invalid_tx_words_total",
             "Number of invalid words transmitted by host port", "fc_host"),
     "invalid_tx_word_count"},
    {counter("node_fibrechannel_link_failure_total",
             "Number of times the host port link has failed", "fc_host"),
     "link_failure_count"},
    {counter("node_fibrechannel_loss_of_sync_total",
             "Number of failures on either bit or transmission word boundaries", "fc_host"),
     "loss_of_sync_count"},
    {counter("node_fibrechannel_loss_of_signal_total", "Number of times signal has been lost",
             "fc_host"),
     "loss_of_signal_count"},
    {counter("node_fibrechannel_nos_total",
             "Number Not_Operational Primitive Sequence received by host port", "fc_host"),
     "nos_count"},
    {counter("node_fibrechannel_fcp_packet_aborts_total", "Number of aborted packets", "fc_host"),
     "fcp_packet_aborts"},
};
constexpr auto kMetrics = families(kCounts, kInfo);

constexpr std::string_view kRoot = "class/fc_host/";
constexpr std::string_view kHexadecimal = "0x";

class Fibrechannel {
 public:
  explicit Fibrechannel(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& host : sys_.list(kRoot)) {
      const auto directory = std::string(kRoot) + host + '/';
      add_info(samples, directory, host);
      for (const auto& [metric, file] : kCounts) {
        const auto value = count(directory + "statistics/" + std::string(file));
        if (value) samples.add(metric, *value, host);
      }
    }
  }

 private:
  void add_info(Samples& samples, const std::string& directory, const std::string& host) {
    const auto text = [&](std::string_view file) {
      return std::string(sys_.line(directory + std::string(file)).value_or(""));
    };
    const auto identifier = [&](std::string_view file) {
      const auto name = text(file);
      return name.starts_with(kHexadecimal) ? name.substr(kHexadecimal.size()) : name;
    };
    samples.add(kInfo, 1, host, text("speed"), text("port_state"), text("port_type"),
                identifier("port_id"), identifier("port_name"), identifier("fabric_name"),
                text("symbolic_name"), text("supported_classes"), text("supported_speeds"),
                text("dev_loss_tmo"));
  }

  /// Nothing if the adapter does not count it: all bits are set.
  std::optional<double> count(const std::string& path) {
    const auto text = sys_.line(path);
    Lines lines(sys_.path(path), text.value_or(""));
    std::string_view line;
    if (!lines.next(line)) return std::nullopt;
    const bool is_hexadecimal = line.starts_with(kHexadecimal);
    if (is_hexadecimal) line.remove_prefix(kHexadecimal.size());
    const auto value = lines.integer(line, is_hexadecimal ? 16 : 10);
    if (value == UINT64_MAX) return std::nullopt;
    return static_cast<double>(value);
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kFibrechannel{
    "fibrechannel", Module::Default::on, kMetrics, {}, make<Fibrechannel>};

}  // namespace exporter::host
