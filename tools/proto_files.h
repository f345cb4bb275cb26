#ifndef UDSRPC_TOOLS_PROTO_FILES_H_
#define UDSRPC_TOOLS_PROTO_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "tools/exit_code.h"
#include "tools/schema.h"

namespace udsrpc::tools {

// The services of .proto files. What they import is looked for in `paths`, or where there are none in the working
// directory; then beside each file, and among protobuf's own.
Outcome OpenProtoFiles(const std::vector<std::string>& files, const std::vector<std::string>& paths,
                       std::unique_ptr<Schema>* schema);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_PROTO_FILES_H_
