#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A number, and its file below the drive's stats (Documentation/scsi/st.rst).
struct Value {
  Metric<1> metric;
  std::string_view file;
  double factor = 1;
};
constexpr Value kValues[] = {
    {gauge("node_tape_io_now", "The number of I/Os currently outstanding to this device.",
           "device"),
     "in_flight"},
    {counter("node_tape_io_time_seconds_total",
             "The amount of time spent waiting for all I/O to complete (including read and write). "
             "This includes tape movement commands such as seeking between file or set marks and "
             "implicit tape movement such as when rewind on close tape devices are used.",
             "device"),
     "io_ns", 1e-9},
    {counter("node_tape_io_others_total",
             "The number of I/Os issued to the tape drive other than read or write commands. The "
             "time taken to complete these commands uses the following calculation "
             "io_time_seconds_total-read_time_seconds_total-write_time_seconds_total",
             "device"),
     "other_cnt"},
    {counter("node_tape_read_bytes_total", "The number of bytes read from the tape drive.",
             "device"),
     "read_byte_cnt"},
    {counter("node_tape_reads_completed_total",
             "The number of read requests issued to the tape drive.", "device"),
     "read_cnt"},
    {counter("node_tape_read_time_seconds_total",
             "The amount of time spent waiting for read requests to complete.", "device"),
     "read_ns", 1e-9},
    {counter("node_tape_residual_total",
             "The number of times during a read or write we found the residual amount to be "
             "non-zero. This should mean that a program is issuing a read larger thean the block "
             "size on tape. For write not all data made it to tape.",
             "device"),
     "resid_cnt"},
    {counter("node_tape_written_bytes_total", "The number of bytes written to the tape drive.",
             "device"),
     "write_byte_cnt"},
    {counter("node_tape_writes_completed_total",
             "The number of write requests issued to the tape drive.", "device"),
     "write_cnt"},
    {counter("node_tape_write_time_seconds_total",
             "The amount of time spent waiting for write requests to complete.", "device"),
     "write_ns", 1e-9},
};
constexpr auto kMetrics = families(kValues);

constexpr std::string_view kIgnored = "collector.tapestats.ignored-devices";
constexpr Flag kFlags[] = {{kIgnored, "^$", "Regexp of devices to ignore for tapestats."}};

class Tapestats {
 public:
  explicit Tapestats(const Host& host) : sys_(host.sys()), filter_(host.settings, "", kIgnored) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& device : sys_.list("class/scsi_tape")) {
      if (!is_drive(device) || !filter_.passes(device)) continue;
      for (const auto& [metric, file, factor] : kValues) {
        const auto path = "class/scsi_tape/" + device + "/stats/" + std::string(file);
        if (const auto value = sys_.number(path)) samples.add(metric, *value * factor, device);
      }
    }
  }

 private:
  /// "st0": its other modes, such as nst0, st0a and nst0m, are in the same directory.
  static bool is_drive(std::string_view name) {
    return name.starts_with("st") && parse_number<unsigned>(name.substr(2));
  }

  Files sys_;
  Filter filter_;
};

}  // namespace

extern constinit const Module kTapestats{"tapestats", Module::Default::on, kMetrics, kFlags,
                                         make<Tapestats>};

}  // namespace exporter::host
