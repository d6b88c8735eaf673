#include <span>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A number in a line of /proc/net/rpc/nfsd (fs/nfsd/stats.c).
struct Value {
  Metric<0> metric;
  std::string_view line;
  std::size_t index;
};
constexpr Value kValues[] = {
    {counter("node_nfsd_reply_cache_hits_total",
             "Total number of NFSd Reply Cache hits (client lost server response)."),
     "rc", 0},
    {counter("node_nfsd_reply_cache_misses_total",
             "Total number of NFSd Reply Cache an operation that requires caching (idempotent)."),
     "rc", 1},
    {counter("node_nfsd_reply_cache_nocache_total",
             "Total number of NFSd Reply Cache non-idempotent operations (rename/delete/…)."),
     "rc", 2},
    {counter("node_nfsd_file_handles_stale_total", "Total number of NFSd stale file handles"), "fh",
     0},
    {counter("node_nfsd_disk_bytes_read_total", "Total NFSd bytes read."), "io", 0},
    {counter("node_nfsd_disk_bytes_written_total", "Total NFSd bytes written."), "io", 1},
    {gauge("node_nfsd_server_threads", "Total number of NFSd kernel threads that are running."),
     "th", 0},
    {gauge("node_nfsd_read_ahead_cache_size_blocks",
           "How large the read ahead cache is in blocks."),
     "ra", 0},
    {counter("node_nfsd_read_ahead_cache_not_found_total",
             "Total number of NFSd read ahead cache not found."),
     "ra", 11},
    {counter("node_nfsd_connections_total", "Total number of NFSd TCP connections."), "net", 3},
    {counter("node_nfsd_server_rpcs_total", "Total number of NFSd RPCs."), "rpc", 0},
};
constexpr auto kPackets =
    counter("node_nfsd_packets_total",
            "Total NFSd network packets (sent+received) by protocol type.", "proto");
constexpr auto kErrors = counter("node_nfsd_rpc_errors_total",
                                 "Total number of NFSd RPC errors by error type.", "error");
constexpr auto kRequests =
    counter("node_nfsd_requests_total", "Total number NFSd Requests by method and protocol.",
            "proto", "method");
constexpr auto kMetrics = families(kValues, kPackets, kErrors, kRequests);

/// A number whose name becomes a label, and its position.
struct Labelled {
  std::string_view line;
  std::size_t index;
  Metric<1> metric;
  std::string_view label;
};
constexpr Labelled kLabelled[] = {
    {"net", 1, kPackets, "udp"}, {"net", 2, kPackets, "tcp"}, {"rpc", 2, kErrors, "fmt"},
    {"rpc", 3, kErrors, "auth"}, {"rpc", 4, kErrors, "cInt"},
};

// The procedures in the kernel's order: fs/nfsd/nfsproc.c and nfs3proc.c; the operations of version
// 4 by their numbers (RFC 7530). Those without a name have no series.
constexpr std::string_view kVersion2[] = {
    "",       "GetAttr", "SetAttr", "Root", "Lookup",  "ReadLink", "Read",  "WrCache", "Write",
    "Create", "Remove",  "Rename",  "Link", "SymLink", "MkDir",    "RmDir", "ReadDir", "FsStat"};
constexpr std::string_view kVersion3[] = {
    "",        "GetAttr",     "SetAttr", "Lookup", "Access",   "ReadLink", "Read",   "Write",
    "Create",  "MkDir",       "SymLink", "MkNod",  "Remove",   "RmDir",    "Rename", "Link",
    "ReadDir", "ReadDirPlus", "FsStat",  "FsInfo", "PathConf", "Commit"};
constexpr std::string_view kVersion4[] = {"",
                                          "",
                                          "",
                                          "Access",
                                          "Close",
                                          "Commit",
                                          "Create",
                                          "DelegPurge",
                                          "DelegReturn",
                                          "GetAttr",
                                          "GetFH",
                                          "Link",
                                          "Lock",
                                          "Lockt",
                                          "Locku",
                                          "Lookup",
                                          "LookupRoot",
                                          "Nverify",
                                          "Open",
                                          "OpenAttr",
                                          "OpenConfirm",
                                          "OpenDgrd",
                                          "PutFH",
                                          "",
                                          "",
                                          "Read",
                                          "ReadDir",
                                          "ReadLink",
                                          "Remove",
                                          "Rename",
                                          "Renew",
                                          "RestoreFH",
                                          "SaveFH",
                                          "SecInfo",
                                          "SetAttr",
                                          "SetClientID",
                                          "SetClientIDConfirm",
                                          "Verify",
                                          "Write",
                                          "RelLockOwner"};

/// The word with that index in a line; empty if there are fewer.
std::string_view word_of(std::string_view line, std::size_t index) {
  std::string_view word = next_word(line);
  for (; index > 0; --index) word = next_word(line);
  return word;
}

class Nfsd {
 public:
  explicit Nfsd(const Host& host) : proc_(host.proc()), path_(host.network("rpc/nfsd")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(path_);
    if (!text) return;
    Lines lines(proc_.path(path_), *text);
    for (std::string_view line; lines.next(line);) {
      const auto kind = next_word(line);
      add_values(samples, lines, kind, line);
      if (kind == "proc2") add_requests(samples, lines, line, "2", kVersion2);
      if (kind == "proc3") add_requests(samples, lines, line, "3", kVersion3);
      if (kind == "proc4ops") add_requests(samples, lines, line, "4", kVersion4);
      if (kind == "wdeleg_getattr") {
        samples.add(kRequests, lines.number(next_word(line)), "4", "WdelegGetattr");
      }
    }
    if (samples.size() == 0) lines.fail("none of the expected counts");
  }

 private:
  static void add_values(Samples& samples, const Lines& lines, std::string_view kind,
                         std::string_view line) {
    for (const auto& [metric, of, index] : kValues) {
      if (of == kind) samples.add(metric, lines.number(word_of(line, index)));
    }
    for (const auto& [of, index, metric, label] : kLabelled) {
      if (of == kind) samples.add(metric, lines.number(word_of(line, index)), label);
    }
  }

  /// A line has the number of values, and then the values; older kernels have fewer.
  static void add_requests(Samples& samples, const Lines& lines, std::string_view line,
                           std::string_view version, std::span<const std::string_view> methods) {
    auto left = lines.integer(next_word(line));
    for (const auto method : methods) {
      const auto value = left > 0 ? lines.number(next_word(line)) : 0;
      if (left > 0) --left;
      if (!method.empty()) samples.add(kRequests, value, version, method);
    }
  }

  Files proc_;
  std::string path_;
};

}  // namespace

extern constinit const Module kNfsd{"nfsd", Module::Default::on, kMetrics, {}, make<Nfsd>};

}  // namespace exporter::host
