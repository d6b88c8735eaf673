// Reads the manifest of a target folder once, as dbt_exporter does: bench_dbt FOLDER. Prints the
// nodes, the seconds that it took, and in bytes what they hold and by how much the process grew.

#include <malloc.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "exporters/dbt/manifest.h"
#include "exporters/dbt/source.h"

using namespace exporter;

namespace {

std::size_t held_bytes() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

std::size_t peak_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto found = dbt::folders(argv[1])(Deadline::in(std::chrono::minutes(1)));
  if (found.size() != 1 || found[0].kind != dbt::Kind::manifest) return 1;
  const auto held = held_bytes(), peak = peak_bytes();
  const auto begin = std::chrono::steady_clock::now();
  const auto manifest = dbt::read_manifest(found[0].artifact);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%zu %.6f %zu %zu\n", manifest.nodes.size(), took.count(), held_bytes() - held,
              peak_bytes() - peak);
  return 0;
}
