#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A number in /proc/drbd of DRBD 8, which counts data in KiB.
struct Value {
  std::string_view key;
  Metric<1> metric;
  double factor = 1;
};
constexpr Value kValues[] = {
    {"ns",
     counter("node_drbd_network_sent_bytes_total", "Total number of bytes sent via the network.",
             "device"),
     1024},
    {"nr",
     counter("node_drbd_network_received_bytes_total",
             "Total number of bytes received via the network.", "device"),
     1024},
    {"dw",
     counter("node_drbd_disk_written_bytes_total", "Net data written on local hard disk; in bytes.",
             "device"),
     1024},
    {"dr",
     counter("node_drbd_disk_read_bytes_total", "Net data read from local hard disk; in bytes.",
             "device"),
     1024},
    {"al", counter("node_drbd_activitylog_writes_total",
                   "Number of updates of the activity log area of the meta data.", "device")},
    {"bm", counter("node_drbd_bitmap_writes_total",
                   "Number of updates of the bitmap area of the meta data.", "device")},
    {"lo", gauge("node_drbd_local_pending", "Number of open requests to the local I/O sub-system.",
                 "device")},
    {"pe", gauge("node_drbd_remote_pending",
                 "Number of requests sent to the peer, but that have not yet been answered by the "
                 "latter.",
                 "device")},
    {"ua", gauge("node_drbd_remote_unacknowledged",
                 "Number of requests received by the peer via the network connection, but that "
                 "have not yet been answered.",
                 "device")},
    {"ap", gauge("node_drbd_application_pending",
                 "Number of block I/O requests forwarded to DRBD, but not yet answered by DRBD.",
                 "device")},
    {"ep", gauge("node_drbd_epochs", "Number of Epochs currently on the fly.", "device")},
    {"oos",
     gauge("node_drbd_out_of_sync_bytes", "Amount of data known to be out of sync; in bytes.",
           "device"),
     1024},
};

/// A pair of words, for this node and its peer, and the word that is reported as 1.
struct Pair {
  std::string_view key;
  Metric<2> metric;
  std::string_view good;
};
constexpr Pair kPairs[] = {
    {"ro",
     gauge("node_drbd_node_role_is_primary",
           "Whether the role of the node is in the primary state.", "device", "node"),
     "Primary"},
    {"ds",
     gauge("node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is up to date.",
           "device", "node"),
     "UpToDate"},
};
constexpr auto kConnected =
    gauge("node_drbd_connected", "Whether DRBD is connected to the peer.", "device");
constexpr auto kMetrics = families(kValues, kPairs[0].metric, kPairs[1].metric, kConnected);

class Drbd {
 public:
  explicit Drbd(const Host& host) : proc_(host.proc()) {}

  /// " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----", followed by lines of
  /// numbers.
  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("drbd");
    if (!text) return;
    Lines lines(proc_.path("drbd"), *text);
    std::string device;
    for (std::string_view line; lines.next(line);) {
      for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        const auto key = next_part(word, ':');
        if (word.empty() && parse_number<unsigned>(key)) {
          device = "drbd" + std::string(key);
        } else if (!device.empty()) {
          add(samples, lines, device, key, word);
        }
      }
    }
  }

 private:
  static void add(Samples& samples, const Lines& lines, const std::string& device,
                  std::string_view key, std::string_view value) {
    if (key == "cs") samples.add(kConnected, value == "Connected" ? 1 : 0, device);
    for (const auto& [of, metric, factor] : kValues) {
      if (of == key) samples.add(metric, lines.number(value) * factor, device);
    }
    for (const auto& [of, metric, good] : kPairs) {
      if (of != key) continue;
      samples.add(metric, next_part(value, '/') == good ? 1 : 0, device, "local");
      samples.add(metric, value == good ? 1 : 0, device, "remote");
    }
  }

  Files proc_;
};

}  // namespace

extern constinit const Module kDrbd{"drbd", Module::Default::off, kMetrics, {}, make<Drbd>};

}  // namespace exporter::host
