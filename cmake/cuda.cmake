# The CUDA plug-in: target ensgrad_cuda -> libensgrad_cuda.so. nvcc compiles device code only, one fatbin per unit, which
# the plug-in holds as bytes; the host side is C11 and links the static runtime. Nothing links libcuda.
set(ENSGRAD_CUDA_ARCHITECTURES "80;90;100" CACHE STRING "GPU code; PTX of the first one is kept for newer devices")
set(ENSGRAD_CUDA_UNITS "" CACHE STRING "units to compile ahead for the GPU, e.g. quadratic:2; empty: all")
set(ensgrad_cuda_units "ornstein_uhlenbeck:1;geometric_brownian_motion:1;double_well:1;quadratic:1,2,4,8,16;linear_regression:1,2,4,6,8,12,16;mean_field_linear:1")
if(ENSGRAD_CUDA_UNITS)
  set(ensgrad_cuda_units "${ENSGRAD_CUDA_UNITS}")
endif()

find_program(ENSGRAD_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(NOT ENSGRAD_NVCC)
  message(STATUS "CUDA: nvcc not found, building without the CUDA plug-in")
  return()
endif()
find_package(CUDAToolkit QUIET)
if(NOT TARGET CUDA::cudart_static)
  message(STATUS "CUDA: nvcc found, but not the static CUDA runtime: building without the CUDA plug-in")
  return()
endif()
if(CUDAToolkit_VERSION VERSION_LESS 12.8)
  message(STATUS "CUDA: toolkit ${CUDAToolkit_VERSION} is older than 12.8: building without the CUDA plug-in")
  return()
endif()

set(cuda_folder ${CMAKE_BINARY_DIR}/fatbin)
set(ptxas_folder ${CMAKE_BINARY_DIR}/ptxas)
file(MAKE_DIRECTORY ${cuda_folder} ${ptxas_folder})

# One front-end pass for all: its PTX (of the oldest) is what the code of every architecture is assembled from, and what newer
# devices get. Nothing in the kernels asks for an architecture; a pass for each took a third of the compile time.
list(GET ENSGRAD_CUDA_ARCHITECTURES 0 oldest)
set(gencode -gencode=arch=compute_${oldest},code=compute_${oldest})
foreach(arch ${ENSGRAD_CUDA_ARCHITECTURES})
  list(APPEND gencode -gencode=arch=compute_${oldest},code=sm_${arch})
endforeach()
# The same rounding as on the CPU: no contraction, no flushing, exact square roots and quotients.
set(nvcc_flags -fatbin ${gencode} -std=c++17 -O3 -fmad=false -ftz=false -prec-sqrt=true -prec-div=true -Xptxas=-v
    --compress-mode=size -I${CMAKE_SOURCE_DIR}/kernels)
file(GLOB_RECURSE kernel_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/*.h)

function(add_fatbin name source)
  set(file ${cuda_folder}/${name}.fatbin)
  set(arguments ${nvcc_flags} ${ARGN} -o ${file} ${CMAKE_SOURCE_DIR}/kernels/${source})
  string(REPLACE ";" "|" arguments "${arguments}") # survives every shell
  add_custom_command(
    OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -DNVCC=${ENSGRAD_NVCC} "-DARGUMENTS=${arguments}" -DLOG=${ptxas_folder}/${name}.log
            -P ${CMAKE_SOURCE_DIR}/cmake/compile_fatbin.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/kernels/${source} ${kernel_headers} ${CMAKE_SOURCE_DIR}/cmake/compile_fatbin.cmake
    COMMENT "CUDA ${name}"
    VERBATIM)
  set(cuda_fatbins ${cuda_fatbins} ${file} PARENT_SCOPE)
endfunction()

set(cuda_fatbins "")
set(cuda_list "")
add_fatbin(stats stats_cuda.cu)
foreach(unit ${ensgrad_cuda_units})
  string(REGEX REPLACE ":.*" "" model ${unit})
  string(REGEX REPLACE ".*:" "" dims ${unit})
  string(REPLACE "," ";" dims ${dims})
  foreach(dim ${dims})
    set(defines "-DEG_MODEL_FILE=\"models/${model}.h\"")
    if(model MATCHES "^(quadratic|linear_regression|linear_regression_gaussian|mean_field_linear)$")
      list(APPEND defines -DEG_DIM=${dim}) # the others fix their dimension
    endif()
    add_fatbin(unit_${model}_${dim} unit_cuda.cu ${defines})
    string(APPEND cuda_list "X(unit_${model}_${dim}, ${model}, ${dim})\n")
  endforeach()
endforeach()
foreach(model ${team_models}) # one for all dimensions and noise kinds
  add_fatbin(team_${model} unit_team_cuda.cu -DEG_TEAM "-DEG_MODEL_FILE=\"models/${model}.h\"")
  string(APPEND cuda_list "X(team_${model}, ${model}, EG_FATBIN_TEAM)\n")
endforeach()
# Kernels that look after every step (monitors) are compiled when they are needed: a second, watched set would be 1.25 times
# the plain set in size and take 1.5 times its compile time. The same holds for what list.h calls rare. Two units with Gaussian
# noise, two that sum increments, one chain, those of the team form and one symmetric root are compiled all the same, so that tests/conformance/test_ptxas.sh sees them.
if(ENSGRAD_TESTS)
  set(plugin_fatbins ${cuda_fatbins})
  set(gaussian -DEG_KIND_NAME=gaussian -DEG_KIND_CODE=EG_KIND_GAUSSIAN)
  add_fatbin(unit_watched_ornstein_uhlenbeck_1 unit_cuda.cu -DEG_WATCHED=1 ${gaussian}
             "-DEG_MODEL_FILE=\"models/ornstein_uhlenbeck.h\"")
  add_fatbin(unit_watched_linear_regression_8 unit_cuda.cu -DEG_WATCHED=1 ${gaussian} -DEG_DIM=8
             "-DEG_MODEL_FILE=\"models/linear_regression.h\"")
  add_fatbin(unit_chain_linear_regression_8 unit_cuda.cu -DEG_ONE_STEPPER -DEG_WANTED_adaptive_rows=EG_YES -DEG_PERMUTED=1
             ${gaussian} -DEG_DIM=8 "-DEG_MODEL_FILE=\"models/linear_regression.h\"")
  add_fatbin(unit_symroot_linear_regression_6 unit_cuda.cu -DEG_ONE_STEPPER -DEG_WANTED_strang_symroot=EG_YES ${gaussian}
             -DEG_DIM=6 "-DEG_MODEL_FILE=\"models/linear_regression.h\"")
  add_fatbin(unit_coarse_ornstein_uhlenbeck_1 unit_cuda.cu -DEG_COARSE=1 ${gaussian}
             "-DEG_MODEL_FILE=\"models/ornstein_uhlenbeck.h\"")
  add_fatbin(unit_coarse_linear_regression_8 unit_cuda.cu -DEG_COARSE=1 ${gaussian} -DEG_DIM=8
             "-DEG_MODEL_FILE=\"models/linear_regression.h\"")
  set(team_chains "")
  foreach(model ${team_models}) # chains in team form, all of them
    add_fatbin(team_chain_${model} unit_team_cuda.cu -DEG_TEAM -DEG_ONE_STEPPER -DEG_WANTED_momentum_rows=EG_YES
               -DEG_WANTED_adaptive_rows=EG_YES -DEG_WANTED_momentum_data=EG_YES -DEG_WANTED_adaptive_data=EG_YES
               -DEG_WANTED_langevin_pair=EG_YES ${gaussian} "-DEG_MODEL_FILE=\"models/${model}.h\"")
    add_fatbin(team_drawn_${model} unit_team_cuda.cu -DEG_TEAM -DEG_ONE_STEPPER -DEG_PERMUTED=1 -DEG_NOISY=1 -DEG_WANTED_sgd_rows=EG_YES
               -DEG_WANTED_momentum_rows=EG_YES -DEG_WANTED_adaptive_rows=EG_YES ${gaussian} "-DEG_MODEL_FILE=\"models/${model}.h\"")
    list(APPEND team_chains ${cuda_folder}/team_chain_${model}.fatbin ${cuda_folder}/team_drawn_${model}.fatbin)
  endforeach()
  add_custom_target(watched_fatbins ALL DEPENDS ${team_chains} ${cuda_folder}/unit_watched_ornstein_uhlenbeck_1.fatbin
                                                ${cuda_folder}/unit_watched_linear_regression_8.fatbin
                                                ${cuda_folder}/unit_chain_linear_regression_8.fatbin
                                                ${cuda_folder}/unit_symroot_linear_regression_6.fatbin
                                                ${cuda_folder}/unit_coarse_ornstein_uhlenbeck_1.fatbin
                                                ${cuda_folder}/unit_coarse_linear_regression_8.fatbin)
  set(cuda_fatbins ${plugin_fatbins})
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/cuda_fatbin_list.h CONTENT "${cuda_list}" @ONLY)

# The kernel text itself goes along, for NVRTC.
set(source_list "")
set(source_number 0)
set(kernel_sources ${kernel_headers} ${CMAKE_SOURCE_DIR}/kernels/unit_cuda.cu ${CMAKE_SOURCE_DIR}/kernels/unit_team_cuda.cu)
list(FILTER kernel_sources EXCLUDE REGEX "/(lane_cpu|watch_cpu|team_cpu|samples_cpu|coarse_cpu|population_cpu|symroot_cpu|fill|unit_table)\\.h$")
foreach(file ${kernel_sources})
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR}/kernels ${file})
  string(APPEND source_list "X(${source_number}, \"${name}\", \"${file}\")\n")
  math(EXPR source_number "${source_number} + 1")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/cuda_source_list.h CONTENT "${source_list}" @ONLY)

set(plugin_folder ${CMAKE_SOURCE_DIR}/src/backend/cuda_plugin)
set(plugin_host_sources ${CMAKE_SOURCE_DIR}/src/base/hash.c ${CMAKE_SOURCE_DIR}/src/base/code_cache.c) # the plug-in but its fatbins: tests link it to a device they play
foreach(name plugin message prepare sizes kernel advance reduce counts paths streams order group compile nvrtc sources)
  list(APPEND plugin_host_sources ${plugin_folder}/${name}.c)
endforeach()
set_source_files_properties(${plugin_folder}/sources.c PROPERTIES OBJECT_DEPENDS "${kernel_sources}")
add_library(ensgrad_cuda MODULE ${plugin_host_sources} ${plugin_folder}/fatbins.c)
set_source_files_properties(
  ${plugin_folder}/fatbins.c PROPERTIES OBJECT_DEPENDS "${cuda_fatbins}"
                                        COMPILE_DEFINITIONS "EG_FATBIN_DIR=\"${cuda_folder}\"")
target_link_libraries(ensgrad_cuda PRIVATE ensgrad_flags CUDA::cudart_static Threads::Threads ${CMAKE_DL_LIBS})
target_link_options(ensgrad_cuda PRIVATE -Wl,--exclude-libs,ALL -Wl,--no-undefined)
set_target_properties(ensgrad_cuda PROPERTIES PREFIX lib LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
install(TARGETS ensgrad_cuda LIBRARY DESTINATION lib/ensgrad) # where the program looks: ../lib/ensgrad
message(STATUS "CUDA: ${ENSGRAD_NVCC} ${CUDAToolkit_VERSION}, architectures ${ENSGRAD_CUDA_ARCHITECTURES}")

# Programs that nvcc compiles as a whole: what only a GPU can answer, and peers. Not part of ensgrad.
function(add_gpu_program target output source) # further arguments: options of nvcc
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${ENSGRAD_NVCC} ${gencode} -std=c++17 -O3 -I${CMAKE_SOURCE_DIR}/kernels ${ARGN} -o ${output}
            ${CMAKE_SOURCE_DIR}/${source}
    DEPENDS ${CMAKE_SOURCE_DIR}/${source} ${kernel_headers}
    COMMENT "CUDA ${target}"
    VERBATIM)
  add_custom_target(${target} ${all} DEPENDS ${output})
endfunction()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/tests ${CMAKE_BINARY_DIR}/bench)
find_program(ENSGRAD_CXX NAMES g++ c++ clang++) # nvcc needs one for the host side
if(ENSGRAD_CXX)
  set(all "")
  if(ENSGRAD_TESTS)
    set(all ALL)
    add_gpu_program(gpu_audit ${CMAKE_BINARY_DIR}/tests/gpu_audit tests/gpu/gpu_audit.cu -fmad=false -ftz=false
                    -prec-sqrt=true -prec-div=true -Xcompiler=-ffp-contract=off)
    set(all "")
  endif()
  add_gpu_program(ou_curand ${CMAKE_BINARY_DIR}/bench/ou_curand bench/peers/ou_curand.cu)
  add_gpu_program(ou_curand_fast ${CMAKE_BINARY_DIR}/bench/ou_curand_fast bench/peers/ou_curand.cu --use_fast_math -DFAST)
endif()
