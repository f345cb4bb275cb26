# cmake -DSOURCE=DIR -DDESTINATION=DIR -P install.cmake: has npm install what SOURCE's package-lock.json names, below
# DESTINATION, unless it has done so before. npm checks each package against the hash in that file.
file(SHA256 "${SOURCE}/package-lock.json" wanted)
set(stamp "${DESTINATION}/installed")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
  if(installed STREQUAL wanted)
    return()
  endif()
endif()
find_program(npm npm REQUIRED)
file(REMOVE_RECURSE "${DESTINATION}")
file(COPY "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SOURCE}/.npmrc" DESTINATION "${DESTINATION}")
execute_process(COMMAND "${npm}" ci --omit=optional --ignore-scripts WORKING_DIRECTORY "${DESTINATION}"
  RESULT_VARIABLE result TIMEOUT 300)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "npm could not install gRPC for Node.js (${result}). Where its registry cannot be reached, "
    "configure with -DUDSRPC_TEST_NODE=OFF.")
endif()
file(WRITE "${stamp}" "${wanted}")
