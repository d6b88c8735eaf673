#include "exporters/host/block_names.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A number, and its line in /sys/fs/xfs/<device>/stats/stats; the numbers of a line are in this
/// order (fs/xfs/xfs_stats.c).
struct Statistic {
  std::string_view line;
  Metric<1> metric;
};

constexpr Statistic kStatistics[] = {
    {"extent_alloc", counter("node_xfs_extent_allocation_extents_allocated_total",
                             "Number of extents allocated for a filesystem.", "device")},
    {"extent_alloc", counter("node_xfs_extent_allocation_blocks_allocated_total",
                             "Number of blocks allocated for a filesystem.", "device")},
    {"extent_alloc", counter("node_xfs_extent_allocation_extents_freed_total",
                             "Number of extents freed for a filesystem.", "device")},
    {"extent_alloc", counter("node_xfs_extent_allocation_blocks_freed_total",
                             "Number of blocks freed for a filesystem.", "device")},
    {"abt", counter("node_xfs_allocation_btree_lookups_total",
                    "Number of allocation B-tree lookups for a filesystem.", "device")},
    {"abt", counter("node_xfs_allocation_btree_compares_total",
                    "Number of allocation B-tree compares for a filesystem.", "device")},
    {"abt", counter("node_xfs_allocation_btree_records_inserted_total",
                    "Number of allocation B-tree records inserted for a filesystem.", "device")},
    {"abt", counter("node_xfs_allocation_btree_records_deleted_total",
                    "Number of allocation B-tree records deleted for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_reads_total",
                        "Number of block map for read operations for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_writes_total",
                        "Number of block map for write operations for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_unmaps_total",
                        "Number of block unmaps (deletes) for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_extent_list_insertions_total",
                        "Number of extent list insertions for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_extent_list_deletions_total",
                        "Number of extent list deletions for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_extent_list_lookups_total",
                        "Number of extent list lookups for a filesystem.", "device")},
    {"blk_map", counter("node_xfs_block_mapping_extent_list_compares_total",
                        "Number of extent list compares for a filesystem.", "device")},
    {"bmbt", counter("node_xfs_block_map_btree_lookups_total",
                     "Number of block map B-tree lookups for a filesystem.", "device")},
    {"bmbt", counter("node_xfs_block_map_btree_compares_total",
                     "Number of block map B-tree compares for a filesystem.", "device")},
    {"bmbt", counter("node_xfs_block_map_btree_records_inserted_total",
                     "Number of block map B-tree records inserted for a filesystem.", "device")},
    {"bmbt", counter("node_xfs_block_map_btree_records_deleted_total",
                     "Number of block map B-tree records deleted for a filesystem.", "device")},
    {"dir", counter("node_xfs_directory_operation_lookup_total",
                    "Number of file name directory lookups which miss the operating systems "
                    "directory name lookup cache.",
                    "device")},
    {"dir",
     counter("node_xfs_directory_operation_create_total",
             "Number of times a new directory entry was created for a filesystem.", "device")},
    {"dir", counter("node_xfs_directory_operation_remove_total",
                    "Number of times an existing directory entry was removed for a filesystem.",
                    "device")},
    {"dir",
     counter("node_xfs_directory_operation_getdents_total",
             "Number of times the directory getdents operation was performed for a filesystem.",
             "device")},
    {"ig", counter("node_xfs_inode_operation_attempts_total",
                   "Number of times the OS looked for an XFS inode in the inode cache.", "device")},
    {"ig", counter("node_xfs_inode_operation_found_total",
                   "Number of times the OS looked for and found an XFS inode in the inode cache.",
                   "device")},
    {"ig", counter("node_xfs_inode_operation_recycled_total",
                   "Number of times the OS found an XFS inode in the cache, but could not use it "
                   "as it was being recycled.",
                   "device")},
    {"ig",
     counter("node_xfs_inode_operation_missed_total",
             "Number of times the OS looked for an XFS inode in the cache, but did not find it.",
             "device")},
    {"ig", counter("node_xfs_inode_operation_duplicates_total",
                   "Number of times the OS tried to add a missing XFS inode to the inode cache, "
                   "but found it had already been added by another process.",
                   "device")},
    {"ig", counter("node_xfs_inode_operation_reclaims_total",
                   "Number of times the OS reclaimed an XFS inode from the inode cache to free "
                   "memory for another purpose.",
                   "device")},
    {"ig", counter("node_xfs_inode_operation_attribute_changes_total",
                   "Number of times the OS explicitly changed the attributes of an XFS inode.",
                   "device")},
    {"rw", counter("node_xfs_write_calls_total",
                   "Number of write(2) system calls made to files in a filesystem.", "device")},
    {"rw", counter("node_xfs_read_calls_total",
                   "Number of read(2) system calls made to files in a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_active_total",
                       "Number of vnodes not on free lists for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_allocate_total",
                       "Number of times vn_alloc called for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_get_total",
                       "Number of times vn_get called for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_hold_total",
                       "Number of times vn_hold called for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_release_total",
                       "Number of times vn_rele called for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_reclaim_total",
                       "Number of times vn_reclaim called for a filesystem.", "device")},
    {"vnodes", counter("node_xfs_vnode_remove_total",
                       "Number of times vn_remove called for a filesystem.", "device")},
};
constexpr auto kMetrics = families(kStatistics);

class Xfs {
 public:
  explicit Xfs(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list("fs/xfs")) {
      const auto path = "fs/xfs/" + name + "/stats/stats";
      const auto text = sys_.read(path);
      if (!text) continue;
      Lines lines(sys_.path(path), *text);
      const auto before = samples.size();
      const auto device = device_name(name);
      for (std::string_view line; lines.next(line);) add(samples, device, lines, line);
      if (samples.size() == before) lines.fail("none of the expected counts");
    }
  }

 private:
  static void add(Samples& samples, const std::string& device, const Lines& lines,
                  std::string_view line) {
    const auto name = next_word(line);
    for (const auto& [of, metric] : kStatistics) {
      if (of == name) samples.add(metric, lines.number(next_word(line)), device);
    }
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kXfs{"xfs", Module::Default::on, kMetrics, {}, make<Xfs>};

}  // namespace exporter::host
