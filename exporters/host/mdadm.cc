#include <algorithm>
#include <optional>
#include <utility>

#include "exporters/host/block_names.h"
#include "exporters/host/foreign_layout.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kState =
    gauge("node_md_state", "Indicates the state of md-device.", "device", "state");
constexpr auto kDisks =
    gauge("node_md_disks", "Number of active/failed/spare disks of device.", "device", "state");
constexpr auto kRequired =
    gauge("node_md_disks_required", "Total number of disks of device.", "device");
constexpr auto kBlocks = gauge("node_md_blocks", "Total number of blocks on device.", "device");
constexpr auto kSynced =
    gauge("node_md_blocks_synced", "Number of blocks synced on device.", "device");
constexpr auto kRaidDisks =
    gauge("node_md_raid_disks", "Number of raid disks on device.", "device");
constexpr auto kDegraded =
    gauge("node_md_degraded", "Number of degraded disks on device.", "device");
constexpr MetricView kMetrics[] = {kState,  kDisks,     kRequired, kBlocks,
                                   kSynced, kRaidDisks, kDegraded};

constexpr std::string_view kFirstWord = "Personalities";
constexpr std::string_view kStates[] = {"active", "inactive", "recovering", "resync", "check"};

/// A device in /proc/mdstat (drivers/md/md.c, md_seq_show).
struct Array {
  std::string_view name, state;
  double required = 0, active = 0, failed = 0, spare = 0, blocks = 0, synced = 0;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

double count(std::string_view text, std::string_view part) {
  double count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// The numbers of the first "[4/3]" or "(400/1000)" in the text; nothing if there is none.
std::optional<std::pair<double, double>> pair_in(std::string_view text, char open, char close) {
  for (auto at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    auto rest = text.substr(at + 1);
    auto inside = next_part(rest, close);
    const auto first = parse_number<std::uint64_t>(next_part(inside, '/'));
    const auto second = parse_number<std::uint64_t>(inside);
    if (first && second) return {{static_cast<double>(*first), static_cast<double>(*second)}};
  }
  return std::nullopt;
}

/// "md0 : active raid1 sdb1[1] sda1[0](F)"
Array parse_device(const Lines& lines, std::string_view line) {
  Array array;
  array.failed = count(line, "(F)");
  array.spare = count(line, "(S)");
  array.required = array.active = count(line, "[");
  array.name = next_word(line);
  if (next_word(line) != ":") lines.fail("expected a device and a colon");
  array.state = next_word(line);
  return array;
}

/// "      523968 blocks super 1.2 [2/1] [_U]"; for a raid0 without the state of the disks.
void parse_blocks(Array& array, const Lines& lines, std::string_view line) {
  array.blocks = array.synced = lines.number(next_word(line));
  if (array.state == "inactive") {
    array.required = array.active = 0;
  } else if (const auto disks = pair_in(line, '[', ']')) {
    array.required = disks->first;
    array.active = disks->second;
  }
}

/// "      [=>....]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec", "
/// resync=DELAYED", or something else such as "      bitmap: 0/8 pages [0KB]".
void parse_progress(Array& array, std::string_view line) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"recovery", "recovering"},
      {"reshape", "reshaping"},
      {"check", "check"},
      {"resync", "resync"}};
  for (const auto& [word, state] : kWords) {
    if (!contains(line, word)) continue;
    array.state = state;
    array.synced = pair_in(line, '(', ')').value_or(std::pair(0.0, 0.0)).first;
    return;
  }
}

/// A line that does not belong to an array. Linux 2.4 also has "read_ahead not set" and "Event: 7".
bool is_of_all(std::string_view line) {
  static constexpr std::string_view kWords[] = {kFirstWord, "unused", "read_ahead", "Event:"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return line.starts_with(word); });
}

class Mdadm {
 public:
  explicit Mdadm(const Host& host) : proc_(host.proc()), sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("mdstat");
    if (!text) return;
    for (const auto& array : parse(*text)) add(samples, array);
    for (const auto& device : sys_.list("block")) {
      if (device.starts_with("md"))
        add_disks(samples, "block/" + device + "/md/", device_name(device));
    }
  }

 private:
  /// Unraid has a module of its own, which writes "sbName=..." and more settings to this file.
  std::vector<Array> parse(std::string_view text) {
    std::vector<Array> arrays;
    if (!text.starts_with(kFirstWord)) {
      foreign_.say(proc_.path("mdstat"), kFirstWord);
      return arrays;
    }
    Lines lines(proc_.path("mdstat"), text);
    bool expects_blocks = false;
    const auto end_array = [&] {
      // For an inactive array without disks the line is blank.
      const bool missing = std::exchange(expects_blocks, false);
      if (missing && arrays.back().state != "inactive") lines.fail("the line of blocks is missing");
    };
    for (std::string_view line; lines.next(line);) {
      if (line.starts_with(' ')) {
        if (std::exchange(expects_blocks, false)) {
          parse_blocks(arrays.back(), lines, line);
        } else if (!arrays.empty()) {
          parse_progress(arrays.back(), line);
        }
        continue;
      }
      end_array();
      if (is_of_all(line)) continue;
      arrays.push_back(parse_device(lines, line));
      expects_blocks = true;
    }
    end_array();
    return arrays;
  }

  static void add(Samples& samples, const Array& array) {
    for (const auto state : kStates) {
      samples.add(kState, array.state == state ? 1 : 0, array.name, state);
    }
    samples.add(kRequired, array.required, array.name);
    samples.add(kDisks, array.active, array.name, "active");
    samples.add(kDisks, array.failed, array.name, "failed");
    samples.add(kDisks, array.spare, array.name, "spare");
    samples.add(kBlocks, array.blocks, array.name);
    samples.add(kSynced, array.synced, array.name);
  }

  void add_disks(Samples& samples, const std::string& directory, const std::string& device) {
    const std::string level(sys_.line(directory + "level").value_or(""));
    if (level.empty() && !sys_.exists(directory)) return;
    if (!level.empty() && level != "container" && level != "imsm" && level != "ddf") {
      auto disks = sys_.line(directory + "raid_disks").value_or("");
      // During a reshape: "11 (10)", the new number and the old one.
      if (const auto count = parse_number<double>(next_word(disks))) {
        samples.add(kRaidDisks, *count, device);
      }
    }
    samples.add(kDegraded, sys_.number(directory + "degraded").value_or(0), device);
  }

  Files proc_, sys_;
  ForeignLayout foreign_;
};

}  // namespace

extern constinit const Module kMdadm{"mdadm", Module::Default::on, kMetrics, {}, make<Mdadm>};

}  // namespace exporter::host
