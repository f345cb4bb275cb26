#ifndef UDSRPC_TESTS_FAULTS_RESOURCES_H_
#define UDSRPC_TESTS_FAULTS_RESOURCES_H_

#include <map>
#include <string>

namespace udsrpc::testing {

// What this process has open: so many descriptors of each sort, by what /proc says that they are.
using Descriptors = std::map<std::string, int>;
Descriptors OpenDescriptors();
// Waits until there are no more of any sort than `before`, as what a connection has left is closed behind its end, and
// what the gRPC library has left at its leisure; says of what there are more at last, if so.
std::string LeftOpen(const Descriptors& before);

// The threads of this project's and of the test's own, by their names; not those that the gRPC library has started.
int OwnThreads();
int OwnThreadsBecome(int most);

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_RESOURCES_H_
