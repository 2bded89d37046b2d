// Loading an object file: constants, map sizes, maps that are taken over, verification. Runs on a worker.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bpf_kernel.h"
#include "descriptor.h"

namespace semrd {

struct LoadRequest {
  std::string path;
  std::map<std::string, std::vector<uint8_t>> constants;
  std::map<std::string, uint32_t> max_entries;
  std::map<std::string, std::string> pins;
  std::map<std::string, std::string> inherit;
};

struct LoadedProgram {
  ProgramShape shape;
  SharedDescriptor descriptor;
};

struct LoadedMap {
  MapShape shape;
  SharedDescriptor descriptor;
};

struct LoadedObject {
  std::vector<LoadedProgram> programs;
  std::vector<LoadedMap> maps;
  std::vector<std::string> adopted;
  std::vector<std::string> inherited;
};

// Throws SystemCallFailure; then nothing stays loaded or pinned that was not before.
LoadedObject LoadObject(const LoadRequest& request);

}  // namespace semrd
