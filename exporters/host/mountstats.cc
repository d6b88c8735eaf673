#include <set>
#include <tuple>
#include <vector>

#include "exporters/host/module.h"
#include "exporters/host/mount_table.h"

namespace exporter::host {
namespace {

consteval auto of_mount(std::string_view name, std::string_view help) {
  return counter(name, help, "export", "protocol", "mountaddr");
}
consteval auto of_operation(std::string_view name, std::string_view help) {
  return counter(name, help, "export", "protocol", "mountaddr", "operation");
}
consteval auto of_transport(std::string_view name, std::string_view help) {
  return counter(name, help, "export", "protocol", "mountaddr", "transport");
}

constexpr auto kAge =
    of_mount("node_mountstats_nfs_age_seconds_total", "The age of the NFS mount in seconds.");
constexpr auto kMountpoint =
    info("node_mountstats_nfs_mountpoint_info", "Info metric for an NFS mountpoint.", "export",
         "protocol", "mountaddr", "mountpoint");

/// The words in a line of NFS statistics, some of which have a metric; fs/nfs/super.c,
/// nfs_show_stats() and net/sunrpc.
template <std::size_t Labels>
struct Column {
  Metric<Labels> metric;
  std::size_t index;
  double divide = 1;
};
constexpr Column<3> kBytes[] = {
    {of_mount("node_mountstats_nfs_read_bytes_total",
              "Number of bytes read using the read() syscall."),
     0},
    {of_mount("node_mountstats_nfs_write_bytes_total",
              "Number of bytes written using the write() syscall."),
     1},
    {of_mount("node_mountstats_nfs_direct_read_bytes_total",
              "Number of bytes read using the read() syscall in O_DIRECT mode."),
     2},
    {of_mount("node_mountstats_nfs_direct_write_bytes_total",
              "Number of bytes written using the write() syscall in O_DIRECT mode."),
     3},
    {of_mount("node_mountstats_nfs_total_read_bytes_total",
              "Number of bytes read from the NFS server, in total."),
     4},
    {of_mount("node_mountstats_nfs_total_write_bytes_total",
              "Number of bytes written to the NFS server, in total."),
     5},
    {of_mount("node_mountstats_nfs_read_pages_total",
              "Number of pages read directly via mmap()'d files."),
     6},
    {of_mount("node_mountstats_nfs_write_pages_total",
              "Number of pages written directly via mmap()'d files."),
     7}};
// 18 is the wait for a congested device, which current kernels do not count.
constexpr Column<3> kEvents[] = {
    {of_mount("node_mountstats_nfs_event_inode_revalidate_total",
              "Number of times cached inode attributes are re-validated from the server."),
     0},
    {of_mount("node_mountstats_nfs_event_dnode_revalidate_total",
              "Number of times cached dentry nodes are re-validated from the server."),
     1},
    {of_mount("node_mountstats_nfs_event_data_invalidate_total",
              "Number of times an inode cache is cleared."),
     2},
    {of_mount("node_mountstats_nfs_event_attribute_invalidate_total",
              "Number of times cached inode attributes are invalidated."),
     3},
    {of_mount("node_mountstats_nfs_event_vfs_open_total",
              "Number of times cached inode attributes are invalidated."),
     4},
    {of_mount("node_mountstats_nfs_event_vfs_lookup_total",
              "Number of times a directory lookup has occurred."),
     5},
    {of_mount("node_mountstats_nfs_event_vfs_access_total",
              "Number of times permissions have been checked."),
     6},
    {counter("node_mountstats_nfs_event_vfs_update_page_total",
             "Number of updates (and potential writes) to pages.", "export", "protocol",
             "mountaddr"),
     7},
    {of_mount("node_mountstats_nfs_event_vfs_read_page_total",
              "Number of pages read directly via mmap()'d files."),
     8},
    {of_mount("node_mountstats_nfs_event_vfs_read_pages_total",
              "Number of times a group of pages have been read."),
     9},
    {of_mount("node_mountstats_nfs_event_vfs_write_page_total",
              "Number of pages written directly via mmap()'d files."),
     10},
    {of_mount("node_mountstats_nfs_event_vfs_write_pages_total",
              "Number of times a group of pages have been written."),
     11},
    {of_mount("node_mountstats_nfs_event_vfs_getdents_total",
              "Number of times directory entries have been read with getdents()."),
     12},
    {of_mount("node_mountstats_nfs_event_vfs_setattr_total",
              "Number of times directory entries have been read with getdents()."),
     13},
    {of_mount("node_mountstats_nfs_event_vfs_flush_total",
              "Number of pending writes that have been forcefully flushed to the server."),
     14},
    {of_mount("node_mountstats_nfs_event_vfs_fsync_total",
              "Number of times fsync() has been called on directories and files."),
     15},
    {of_mount("node_mountstats_nfs_event_vfs_lock_total",
              "Number of times locking has been attempted on a file."),
     16},
    {of_mount("node_mountstats_nfs_event_vfs_file_release_total",
              "Number of times files have been closed and released."),
     17},
    {of_mount("node_mountstats_nfs_event_truncation_total",
              "Number of times files have been truncated."),
     19},
    {of_mount("node_mountstats_nfs_event_write_extension_total",
              "Number of times a file has been grown due to writes beyond its existing end."),
     20},
    {of_mount("node_mountstats_nfs_event_silly_rename_total",
              "Number of times a file was removed while still open by another process."),
     21},
    {of_mount("node_mountstats_nfs_event_short_read_total",
              "Number of times the NFS server gave less data than expected while reading."),
     22},
    {of_mount("node_mountstats_nfs_event_short_write_total",
              "Number of times the NFS server wrote less data than expected while writing."),
     23},
    {of_mount("node_mountstats_nfs_event_jukebox_delay_total",
              "Number of times the NFS server indicated EJUKEBOX; retrieving data from offline "
              "storage."),
     24},
    {of_mount("node_mountstats_nfs_event_pnfs_read_total", "Number of NFS v4.1+ pNFS reads."), 25},
    {of_mount("node_mountstats_nfs_event_pnfs_write_total", "Number of NFS v4.1+ pNFS writes."),
     26}};
constexpr Column<4> kTransports[] = {
    {of_transport(
         "node_mountstats_nfs_transport_bind_total",
         "Number of times the client has had to establish a connection from scratch to the NFS "
         "server."),
     1},
    {of_transport("node_mountstats_nfs_transport_connect_total",
                  "Number of times the client has made a TCP connection to the NFS server."),
     2},
    {gauge("node_mountstats_nfs_transport_idle_time_seconds",
           "Duration since the NFS mount last saw any RPC traffic, in seconds.", "export",
           "protocol", "mountaddr", "transport"),
     4},
    {of_transport("node_mountstats_nfs_transport_sends_total",
                  "Number of RPC requests for this mount sent to the NFS server."),
     5},
    {of_transport("node_mountstats_nfs_transport_receives_total",
                  "Number of RPC responses for this mount received from the NFS server."),
     6},
    {of_transport(
         "node_mountstats_nfs_transport_bad_transaction_ids_total",
         "Number of times the NFS server sent a response with a transaction ID unknown to this "
         "client."),
     7},
    {of_transport("node_mountstats_nfs_transport_backlog_queue_total",
                  "Total number of items added to the RPC backlog queue."),
     9},
    {gauge("node_mountstats_nfs_transport_maximum_rpc_slots",
           "Maximum number of simultaneously active RPC requests ever used.", "export", "protocol",
           "mountaddr", "transport"),
     10},
    {of_transport("node_mountstats_nfs_transport_sending_queue_total",
                  "Total number of items added to the RPC transmission sending queue."),
     11},
    {of_transport("node_mountstats_nfs_transport_pending_queue_total",
                  "Total number of items added to the RPC transmission pending queue."),
     12}};
constexpr Column<4> kOperations[] = {
    {of_operation("node_mountstats_nfs_operations_requests_total",
                  "Number of requests performed for a given operation."),
     0},
    {of_operation(
         "node_mountstats_nfs_operations_transmissions_total",
         "Number of times an actual RPC request has been transmitted for a given operation."),
     1},
    {of_operation("node_mountstats_nfs_operations_major_timeouts_total",
                  "Number of times a request has had a major timeout for a given operation."),
     2},
    {of_operation("node_mountstats_nfs_operations_sent_bytes_total",
                  "Number of bytes sent for a given operation, including RPC headers and payload."),
     3},
    {of_operation(
         "node_mountstats_nfs_operations_received_bytes_total",
         "Number of bytes received for a given operation, including RPC headers and payload."),
     4},
    {of_operation(
         "node_mountstats_nfs_operations_queue_time_seconds_total",
         "Duration all requests spent queued for transmission for a given operation before "
         "they were sent, in seconds."),
     5, 1000},
    {of_operation(
         "node_mountstats_nfs_operations_response_time_seconds_total",
         "Duration all requests took to get a reply back after a request for a given operation "
         "was transmitted, in seconds."),
     6, 1000},
    {of_operation("node_mountstats_nfs_operations_request_time_seconds_total",
                  "Duration all requests took from when a request was enqueued to when it was "
                  "completely handled for a given operation, in seconds."),
     7, 1000}};
constexpr auto kMetrics = [] {
  constexpr auto kOfMount = families(kBytes, kAge, kMountpoint);
  constexpr auto kRest =
      std::tuple(families(kEvents), families(kTransports), families(kOperations));
  std::array<MetricView, kOfMount.size() + std::get<0>(kRest).size() + std::get<1>(kRest).size() +
                             std::get<2>(kRest).size()>
      all{};
  auto end = std::ranges::copy(kOfMount, all.begin()).out;
  end = std::ranges::copy(std::get<0>(kRest), end).out;
  end = std::ranges::copy(std::get<1>(kRest), end).out;
  std::ranges::copy(std::get<2>(kRest), end);
  return all;
}();

/// An NFS mount in the mount table.
struct Server {
  std::string device, address;
};

/// The statistics of one mount, as texts from mountstats.
struct Statistics {
  std::string_view device, mount_point, age, bytes, events, protocol;
  std::vector<std::string_view> transports, operations;
  bool has_operations = false;
};

bool is_nfs(std::string_view type) { return type == "nfs" || type == "nfs4"; }

/// "device SERVER:/EXPORT mounted on /MNT with fstype nfs4 statvers=1.1"; false for other file
/// systems.
bool parse_device(const Lines& lines, std::string_view line, Statistics& mount) {
  next_word(line);
  mount.device = next_word(line);
  if (next_word(line) != "mounted" || next_word(line) != "on")
    lines.fail("expected \"mounted on\"");
  mount.mount_point = next_word(line);
  next_word(line);
  next_word(line);
  return is_nfs(next_word(line)) && !line.empty();
}

class Mountstats {
 public:
  explicit Mountstats(const Host& host)
      : proc_(host.proc()),
        path_(host.self() + "/mountstats"),
        table_path_(host.self() + "/mountinfo") {}

  void collect(Samples& samples, const Deadline&) {
    const auto servers = read_servers();
    if (servers.empty()) return;  // mountstats has a line for each of thousands of mounts
    const auto text = proc_.read_filled(path_);
    if (!text) return;
    seen_.clear();
    auto server = servers.begin();
    Lines lines(proc_.path(path_), *text);
    Statistics mount;
    bool is_shown = false;
    const auto finish = [&] {
      if (!is_shown) return;
      // Both files list the mounts in the same order, but a mount may have been added in between.
      const auto found = std::find_if(
          server, servers.end(), [&](const Server& other) { return other.device == mount.device; });
      if (found != servers.end()) server = found + 1;
      add(samples, lines, mount, found == servers.end() ? "" : found->address);
    };
    for (std::string_view line; lines.next(line);) {
      if (line.starts_with("device ")) {
        finish();
        mount = {};
        is_shown = parse_device(lines, line, mount);
      } else if (is_shown) {
        take(mount, line);
      }
    }
    finish();
  }

 private:
  std::vector<Server> read_servers() {
    std::vector<Server> servers;
    const auto text = proc_.read_filled(table_path_);
    Lines lines(proc_.path(table_path_), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto mount = parse_mount(lines, line);
      if (is_nfs(mount.type)) servers.push_back({mount.device, option_of(mount, "addr")});
    }
    return servers;
  }

  static void take(Statistics& mount, std::string_view line) {
    auto rest = line;
    const auto word = next_word(rest);
    if (word == "age:") {
      mount.age = rest;
    } else if (word == "bytes:") {
      mount.bytes = rest;
    } else if (word == "events:") {
      mount.events = rest;
    } else if (word == "xprt:") {
      mount.transports.push_back(rest);
    } else if (word == "per-op") {
      mount.has_operations = true;
    } else if (mount.has_operations && word.ends_with(':')) {
      mount.operations.push_back(line);
    }
  }

  void add(Samples& samples, const Lines& lines, const Statistics& mount,
           const std::string& address) {
    if (mount.transports.empty()) return;
    auto transport = mount.transports.front();
    const auto protocol = next_word(transport);
    const auto labels = [&](auto... more) {
      return std::tuple(mount.device, protocol, address, more...);
    };
    if (seen_.emplace(mount.device, protocol, address, mount.mount_point).second) {
      add(samples, kMountpoint, 1, labels(mount.mount_point));
    }
    // Mounts of one export share their statistics (except with nosharecache), which are then shown
    // once.
    if (!seen_.emplace(mount.device, protocol, address, "").second) return;
    auto age = mount.age;
    add(samples, kAge, lines.number(next_word(age)), labels());
    add(samples, lines, kBytes, words(mount.bytes), labels());
    add(samples, lines, kEvents, words(mount.events), labels());
    for (std::size_t i = 0; i < mount.transports.size(); ++i) {
      add(samples, lines, kTransports, transport_words(lines, mount.transports[i]),
          labels(std::to_string(i)));
    }
    for (auto operation : mount.operations) {
      const auto name = trim(next_part(operation, ':'));
      add(samples, lines, kOperations, words(operation), labels(name));
    }
  }

  static std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> all;
    for (auto word = next_word(text); !word.empty(); word = next_word(text)) all.push_back(word);
    return all;
  }

  /// The numbers of a transport in TCP's order: UDP has no connections, RDMA and statvers=1.0 no
  /// slots and queues.
  static std::vector<std::string_view> transport_words(const Lines& lines, std::string_view text) {
    const auto protocol = next_word(text);
    auto all = words(text);
    if (protocol == "udp") {
      all.insert(all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(all.size(), 2)), 3,
                 "0");
    } else if (protocol == "rdma") {
      all.resize(std::min(all.size(), kOldTransport));
    } else if (protocol != "tcp") {
      lines.fail("expected the transport tcp, udp or rdma");
    }
    if (all.size() == kOldTransport) all.resize(kTransport, "0");
    return all;
  }

  template <std::size_t N, std::size_t Labels, class Tuple>
  static void add(Samples& samples, const Lines& lines, const Column<Labels> (&columns)[N],
                  const std::vector<std::string_view>& words, const Tuple& labels) {
    for (const auto& [metric, index, divide] : columns) {
      if (index >= words.size()) lines.fail("fewer numbers than expected");
      add(samples, metric, lines.number(words[index]) / divide, labels);
    }
  }

  template <class Metric, class Tuple>
  static void add(Samples& samples, const Metric& metric, double value, const Tuple& labels) {
    std::apply([&](const auto&... label) { samples.add(metric, value, label...); }, labels);
  }

  static constexpr std::size_t kOldTransport = 10, kTransport = 13;

  Files proc_;
  std::string path_, table_path_;
  std::set<std::tuple<std::string, std::string, std::string, std::string>> seen_;
};

}  // namespace

extern constinit const Module kMountstats{
    "mountstats", Module::Default::off, kMetrics, {}, make<Mountstats>};

}  // namespace exporter::host
