// What this host allows: probing, and the file system that pins live on.
#pragma once

#include <optional>
#include <string>

namespace semrd {

// Why programs cannot be loaded and attached here; nothing when they can.
std::optional<std::string> WhyBpfIsUnusable();

std::string KernelRelease();

// Makes `path` (an existing folder) a bpffs mount unless it is on one.
void MountBpffs(const std::string& path);

}  // namespace semrd
